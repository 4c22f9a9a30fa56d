// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { Button, FormGroup, Label, LabelGroup, PageSection, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Group } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { useText } from "#/i18n/catalogue";
import { ConfirmWord } from "#/parts/ConfirmWord";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { RowActions } from "#/parts/RowActions";
import { Asked } from "#/parts/States";
import { Block } from "#/screens/account/Account";
import { fromLines, Lines, toLines } from "./Lines";
import { Sheet } from "./Sheet";
import { text } from "./text";
import "./admin.css";

function GroupSheet({ group, onKept, onClose }: { group: Group | null; onKept: () => void; onClose: () => void }) {
	const t = useText(text);
	const [name, setName] = useState(group?.name ?? "");
	const [members, setMembers] = useState(toLines(group?.members ?? []));
	const [addresses, setAddresses] = useState(toLines(group?.addresses ?? []));
	const save = async () => {
		const body = { name: name.trim(), members: fromLines(members), addresses: fromLines(addresses) };
		if (group) await api.put("/admin/groups/{group}", { path: { group: group.group }, body });
		else await api.post("/admin/groups", { body });
		onKept();
	};
	return (
		<Sheet title={group ? t("groups.edit", { name: group.name }) : t("groups.add")} isReady={name.trim() !== ""} onSave={save} onClose={onClose}>
			<FormGroup label={t("groups.name")} fieldId="group-name" isRequired>
				<TextInput id="group-name" value={name} onChange={(_, value) => setName(value)} maxLength={200} isRequired />
			</FormGroup>
			<Lines id="group-members" label={t("groups.members")} value={members} onChange={setMembers} />
			<Lines id="group-addresses" label={t("groups.addresses")} value={addresses} onChange={setAddresses} />
		</Sheet>
	);
}

function DomainSheet({ domains, onKept, onClose }: { domains: readonly string[]; onKept: () => void; onClose: () => void }) {
	const t = useText(text);
	const [lines, setLines] = useState(toLines(domains));
	const save = async () => {
		const list = fromLines(lines);
		await api.put("/admin/domains", { body: { domains: list, main: list[0] ?? "" } });
		onKept();
	};
	return (
		<Sheet title={t("domains")} onSave={save} onClose={onClose}>
			<p>{t("domains.text")}</p>
			<Lines id="domains" label={t("domains")} value={lines} onChange={setLines} />
		</Sheet>
	);
}

function Domains() {
	const t = useText(text);
	const asked = useGet("/admin/domains", {});
	const askAgain = useAskAgain();
	const [edits, setEdits] = useState(false);
	return (
		<Block title={t("domains")}>
			<p>{t("domains.text")}</p>
			<Asked of={asked}>
				{({ domains, main }) => {
					const ordered = [main, ...domains.filter((one) => one !== main)].filter(Boolean);
					return (
						<>
							{ordered.length > 0 && (
								<LabelGroup numLabels={50} className="sp-gap-above">
									{ordered.map((one) => (
										<Label key={one} {...(one === main ? { color: "blue" as const } : { variant: "outline" as const })}>
											{one}
										</Label>
									))}
								</LabelGroup>
							)}
							<div>
								<Button variant="secondary" className="sp-gap-above" onClick={() => setEdits(true)}>
									{t("edit")}
								</Button>
							</div>
							{edits && <DomainSheet domains={ordered} onKept={() => askAgain("/admin/domains")} onClose={() => setEdits(false)} />}
						</>
					);
				}}
			</Asked>
		</Block>
	);
}

export default function Groups() {
	const t = useText(text);
	const asked = useGet("/admin/groups", {});
	const askAgain = useAskAgain();
	const [edits, setEdits] = useState<Group | "new" | null>(null);
	const [removes, setRemoves] = useState<Group | null>(null);
	const again = () => askAgain("/admin/groups", "/admin/people");
	return (
		<>
			<PageTitle title={t("groups")} text={t("groups.text")} actions={<Button onClick={() => setEdits("new")}>{t("groups.add")}</Button>} />
			<PageSection hasBodyWrapper={false} className="sp-blocks">
				<Asked of={asked}>
					{({ groups }) => (
						<CursorTable
							label={t("groups")}
							rows={groups}
							rowKey={(row) => row.group}
							empty={<p className="sp-quiet">{t("groups.none")}</p>}
							columns={[
								{ title: t("groups.name"), cell: (row) => row.name },
								{ title: t("groups.members"), cell: (row) => row.members.join(", ") },
								{ title: t("groups.addresses"), cell: (row) => row.addresses.join(", ") },
								{ title: t("people.source"), cell: (row) => t(`source.${row.source}`) },
							]}
							actions={(row) =>
								row.source === "own" && (
									<RowActions
										label={row.name}
										of={[
											{ title: t("edit"), run: () => setEdits(row) },
											{ title: t("remove"), run: () => setRemoves(row), isDanger: true },
										]}
									/>
								)
							}
						/>
					)}
				</Asked>
				<Domains />
			</PageSection>
			{edits && <GroupSheet group={edits === "new" ? null : edits} onKept={again} onClose={() => setEdits(null)} />}
			{removes && (
				<ConfirmWord
					title={t("groups.remove.title", { name: removes.name })}
					action={t("remove")}
					word={removes.name}
					onConfirm={(confirm) => api.delete("/admin/groups/{group}", { path: { group: removes.group }, body: { confirm } }).then(again)}
					onClose={() => setRemoves(null)}
				>
					{t("groups.remove.text")}
				</ConfirmWord>
			)}
		</>
	);
}
