// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { Alert, Button, FormGroup, Label, PageSection, TextArea, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { PeopleSource } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { RowActions } from "#/parts/RowActions";
import { Asked } from "#/parts/States";
import { Sheet } from "./Sheet";
import { text } from "./text";

const SECRET = "bind-password";

function Setup({ source, onKept, onClose }: { source: PeopleSource; onKept: () => void; onClose: () => void }) {
	const t = useText(text);
	const [values, setValues] = useState<Record<string, string>>(source.settings);
	const [found, setFound] = useState<{ ok: boolean; text: string } | null>(null);
	const [busy, setBusy] = useState(false);
	const names = [...Object.keys(source.settings), ...(source.source === "ldap" && !(SECRET in source.settings) ? [SECRET] : [])];
	const body = () => ({ settings: Object.fromEntries(Object.entries(values).filter(([name, value]) => name !== SECRET || value !== "")) });

	const test = async () => {
		setBusy(true);
		setFound(null);
		try {
			setFound(await api.post("/admin/people-sources/{source}/test", { path: { source: source.source }, body: body() }));
		} catch (reason) {
			toastProblem(reason);
		} finally {
			setBusy(false);
		}
	};
	const save = async () => {
		await api.put("/admin/people-sources/{source}", { path: { source: source.source }, body: body() });
		onKept();
	};
	const change = (name: string, value: string) => setValues({ ...values, [name]: value });

	return (
		<Sheet title={t(`source.${source.source}`)} onSave={save} onClose={onClose}>
			{names.map((name) => (
				<FormGroup key={name} label={name} fieldId={`source-${name}`}>
					{name === "ca" ? (
						<TextArea id="source-ca" value={values[name] ?? ""} onChange={(_, value) => change(name, value)} rows={4} spellCheck={false} />
					) : (
						<TextInput
							id={`source-${name}`}
							type={name === SECRET ? "password" : "text"}
							autoComplete={name === SECRET ? "new-password" : "off"}
							placeholder={name === SECRET && source.secretsSet?.includes(name) ? t("sources.secret.kept") : ""}
							value={values[name] ?? ""}
							onChange={(_, value) => change(name, value)}
						/>
					)}
				</FormGroup>
			))}
			<div>
				<Button variant="secondary" onClick={() => void test()} isLoading={busy}>
					{t("sources.test")}
				</Button>
			</div>
			{found && (
				<Alert component="h2" isInline isLiveRegion variant={found.ok ? "success" : "danger"} title={t(found.ok ? "sources.works" : "sources.fails")}>
					{found.text}
				</Alert>
			)}
		</Sheet>
	);
}

export default function Sources() {
	const t = useText(text);
	const asked = useGet("/admin/people-sources", {});
	const askAgain = useAskAgain();
	const [edits, setEdits] = useState<PeopleSource | null>(null);
	const again = () => askAgain("/admin/people-sources");
	const order = async (names: readonly PeopleSource["source"][]) => {
		try {
			await api.put("/admin/people-sources", { body: { order: [...names] } });
			again();
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<>
			<PageTitle title={t("sources")} text={t("sources.text")} />
			<PageSection hasBodyWrapper={false}>
				<Asked of={asked}>
					{({ sources }) => {
						const on = sources.filter((one) => one.on).map((one) => one.source);
						return (
							<CursorTable
								label={t("sources")}
								rows={sources}
								rowKey={(row) => row.source}
								columns={[
									{ title: t("people.source"), cell: (row) => t(`source.${row.source}`) },
									{
										title: t("spool.state"),
										cell: (row) => (row.on ? <Label color="green">{t("sources.on")}</Label> : <Label color="grey">{t("sources.off")}</Label>),
									},
								]}
								actions={(row) => (
									<RowActions
										label={t(`source.${row.source}`)}
										of={[
											row.source !== "own" && { title: t("sources.setup"), run: () => setEdits(row) },
											on.indexOf(row.source) > 0 && { title: t("sources.up"), run: () => void order([row.source, ...on.filter((one) => one !== row.source)]) },
											{
												title: t(row.on ? "sources.turnoff" : "sources.turnon"),
												run: () => void order(row.on ? on.filter((one) => one !== row.source) : [...on, row.source]),
											},
										]}
									/>
								)}
							/>
						);
					}}
				</Asked>
			</PageSection>
			{edits && <Setup source={edits} onKept={again} onClose={() => setEdits(null)} />}
		</>
	);
}
