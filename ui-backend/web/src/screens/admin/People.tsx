// SPDX-License-Identifier: GPL-3.0-or-later
import { useDeferredValue, useState } from "react";
import {
	Alert,
	Button,
	ClipboardCopy,
	Form,
	FormGroup,
	Label,
	Modal,
	ModalBody,
	ModalHeader,
	PageSection,
	SearchInput,
	TextInput,
} from "@patternfly/react-core";
import { api } from "#/api/client";
import type { PersonRow } from "#/api/types";
import { useAskAgain } from "#/api/useGet";
import { usePages } from "#/api/usePages";
import { text as appText } from "#/app/text";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { dateTime } from "#/i18n/format";
import { ConfirmWord } from "#/parts/ConfirmWord";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { RowActions } from "#/parts/RowActions";
import { Failing, Loading } from "#/parts/States";
import { text as partsText } from "#/parts/text";
import { Person } from "./Person";
import { text } from "./text";
import "./admin.css";

function Token({ person, token, onClose }: { person: PersonRow; token: string; onClose: () => void }) {
	const t = useText(text);
	const parts = useText(partsText);
	return (
		<Modal isOpen variant="small" onClose={onClose} aria-labelledby="token-title">
			<ModalHeader title={t("people.token.title", { name: person.name })} labelId="token-title" />
			<ModalBody>
				<Alert component="h2" variant="warning" isInline title={t("people.token.once")} />
				<ClipboardCopy isReadOnly hoverTip={parts("copy")} clickTip={parts("copied")} textAriaLabel={t("people.token")} className="sp-gap-above">
					{token}
				</ClipboardCopy>
			</ModalBody>
		</Modal>
	);
}

/* Notes and categories survive a change of source: the old id is tied to the new one. */
function Tie({ person, people, onDone, onClose }: { person: PersonRow; people: readonly PersonRow[]; onDone: () => void; onClose: () => void }) {
	const t = useText(text);
	const [name, setName] = useState("");
	const to = people.find((one) => one.person !== person.person && one.name === name.trim());
	const tie = async (confirm: string) => {
		if (!to) throw new Error(t("people.none"));
		await api.post("/admin/people/{person}/act", { path: { person: person.person }, body: { act: "tie", to: to.person, confirm } });
		onDone();
	};
	return (
		<ConfirmWord title={t("people.tie")} action={t("people.tie")} word={person.name} onConfirm={tie} onClose={onClose}>
			<p>{t("people.tie.text", { name: person.name })}</p>
			<Form>
				<FormGroup label={t("people.tie.to")} fieldId="tie-to">
					<TextInput id="tie-to" value={name} onChange={(_, value) => setName(value)} list="tie-names" />
					<datalist id="tie-names">
						{people.map((one) => (
							<option key={one.person} value={one.name} />
						))}
					</datalist>
				</FormGroup>
			</Form>
		</ConfirmWord>
	);
}

export default function People() {
	const t = useText(text);
	const app = useText(appText);
	const askAgain = useAskAgain();
	const [find, setFind] = useState("");
	const sought = useDeferredValue(find);
	const found = usePages("/admin/people", { query: { find: sought } });
	const people = found.pages.flatMap((page) => page.people);
	const [edits, setEdits] = useState<PersonRow | "new" | null>(null);
	const [removes, setRemoves] = useState<PersonRow | null>(null);
	const [ties, setTies] = useState<PersonRow | null>(null);
	const [token, setToken] = useState<{ person: PersonRow; token: string } | null>(null);
	const again = () => askAgain("/admin/people");

	const act = async (person: PersonRow, what: "logOut" | "dropTotp" | "makeToken") => {
		try {
			const answer = await api.post("/admin/people/{person}/act", { path: { person: person.person }, body: { act: what } });
			if (what === "makeToken" && answer.token) setToken({ person, token: answer.token });
			else toast("success", t(what === "logOut" ? "people.logout.done" : "people.droptotp.done", { name: person.name }));
			again();
		} catch (reason) {
			toastProblem(reason);
		}
	};

	return (
		<>
			<PageTitle title={t("people")} text={t("people.text")} actions={<Button onClick={() => setEdits("new")}>{t("people.add")}</Button>} />
			<PageSection hasBodyWrapper={false}>
				<SearchInput aria-label={t("people.find")} placeholder={t("people.find")} value={find} onChange={(_, value) => setFind(value)} onClear={() => setFind("")} className="sp-find" />
				{found.error ? (
					<Failing problem={found.error} retry={() => void found.refetch()} />
				) : found.isPending ? (
					<Loading />
				) : (
					<CursorTable
						label={t("people")}
						rows={people}
						rowKey={(row) => row.person}
						more={found.more}
						isLoadingMore={found.isFetchingNextPage}
						empty={<p className="sp-quiet">{t("people.none")}</p>}
						columns={[
							{
								title: t("people.name"),
								cell: (row) => (
									<>
										<Button variant="link" isInline onClick={() => setEdits(row)}>
											{row.name}
										</Button>
										{row.shown !== row.name && <div className="sp-quiet">{row.shown}</div>}
										{!row.active && <Label color="grey">{t("people.disabled")}</Label>} {row.totp && <Label color="green">{t("people.totp")}</Label>}
									</>
								),
							},
							{ title: t("people.role"), cell: (row) => app(`role.${row.role}`) },
							{
								title: t("people.addresses"),
								cell: (row) => (
									<>
										{row.addresses.join(", ")}
										{row.groups.length > 0 && <div className="sp-quiet">{t("people.groups", { list: row.groups.join(", ") })}</div>}
									</>
								),
							},
							{ title: t("people.source"), cell: (row) => t(`source.${row.source}`) },
							{ title: t("people.login"), cell: (row) => (row.lastLogin ? dateTime(row.lastLogin) : t("people.never")) },
						]}
						actions={(row) => (
							<RowActions
								label={row.name}
								of={[
									{ title: t("edit"), run: () => setEdits(row) },
									row.role === "uploader" && { title: t("people.token"), run: () => void act(row, "makeToken") },
									(row.sessions ?? 0) > 0 && { title: t("people.logout"), run: () => void act(row, "logOut") },
									row.totp && { title: t("people.droptotp"), run: () => void act(row, "dropTotp") },
									row.source !== "fixed" && { title: t("people.tie"), run: () => setTies(row) },
									row.source !== "fixed" && { title: t("remove"), run: () => setRemoves(row), isDanger: true },
								]}
							/>
						)}
					/>
				)}
			</PageSection>
			{edits && <Person person={edits === "new" ? null : edits} onKept={again} onClose={() => setEdits(null)} />}
			{token && <Token {...token} onClose={() => setToken(null)} />}
			{ties && <Tie person={ties} people={people} onDone={again} onClose={() => setTies(null)} />}
			{removes && (
				<ConfirmWord
					title={t("people.remove.title", { name: removes.name })}
					action={t("remove")}
					word={removes.name}
					onConfirm={(confirm) => api.delete("/admin/people/{person}", { path: { person: removes.person }, body: { confirm } }).then(again)}
					onClose={() => setRemoves(null)}
				>
					{t("people.remove.text", { name: removes.name })}
				</ConfirmWord>
			)}
		</>
	);
}
