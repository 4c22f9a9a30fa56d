// SPDX-License-Identifier: GPL-3.0-or-later
// Mailboxes on other servers that mail is fetched from.
import { useState } from "react";
import { Button, FormGroup, FormHelperText, FormSelect, FormSelectOption, HelperText, HelperTextItem, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { FetchAccount } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { useStartTask } from "#/app/tasks";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { dateTime, number } from "#/i18n/format";
import { ConfirmWord } from "#/parts/ConfirmWord";
import { CursorTable } from "#/parts/CursorTable";
import { RowActions } from "#/parts/RowActions";
import { Asked } from "#/parts/States";
import { Block } from "#/screens/account/Account";
import { Sheet } from "./Sheet";
import { text as adminText } from "./text";
import { text } from "./toolsText";

const FIELDS = ["host", "port", "user", "password", "folders"] as const;

function Account({ account, onKept, onClose }: { account: FetchAccount | null; onKept: () => void; onClose: () => void }) {
	const t = useText(text);
	const [name, setName] = useState(account?.name ?? "");
	const [values, setValues] = useState<Record<string, string>>({ protocol: "imap", ...account?.settings, password: "" });
	const save = async () => {
		const settings = Object.fromEntries(
			["protocol", ...FIELDS].map((field) => [field, (values[field] ?? "").trim()] as const).filter(([field, value]) => value !== "" || (account && field !== "password" && field in account.settings)),
		);
		if (account) await api.patch("/admin/fetch-accounts/{account}", { path: { account: account.name }, body: { settings } });
		else await api.post("/admin/fetch-accounts", { body: { name: name.trim(), settings } });
		onKept();
	};
	return (
		<Sheet title={account ? t("accounts.edit", { name: account.name }) : t("accounts.add")} isReady={name.trim() !== "" && (values.host ?? "").trim() !== ""} onSave={save} onClose={onClose}>
			<FormGroup label={t("accounts.name")} fieldId="account-name" isRequired>
				<TextInput id="account-name" value={name} onChange={(_, value) => setName(value)} maxLength={200} isRequired isDisabled={account !== null} autoComplete="off" />
			</FormGroup>
			<FormGroup label={t("accounts.protocol")} fieldId="account-protocol">
				<FormSelect id="account-protocol" value={values.protocol ?? "imap"} onChange={(_, protocol) => setValues({ ...values, protocol })}>
					<FormSelectOption value="imap" label="IMAP" />
					<FormSelectOption value="pop3" label="POP3" />
				</FormSelect>
			</FormGroup>
			{FIELDS.map((field) => (
				<FormGroup key={field} label={t(`accounts.${field}`)} fieldId={`account-${field}`} isRequired={field === "host"}>
					<TextInput
						id={`account-${field}`}
						type={field === "password" ? "password" : "text"}
						value={values[field] ?? ""}
						onChange={(_, value) => setValues({ ...values, [field]: value })}
						autoComplete={field === "password" ? "new-password" : "off"}
					/>
					{field === "password" && account && (
						<FormHelperText>
							<HelperText>
								<HelperTextItem>{t("accounts.password.kept")}</HelperTextItem>
							</HelperText>
						</FormHelperText>
					)}
				</FormGroup>
			))}
		</Sheet>
	);
}

export function Accounts() {
	const t = useText(text);
	const admin = useText(adminText);
	const asked = useGet("/admin/fetch-accounts", {});
	const askAgain = useAskAgain();
	const start = useStartTask();
	const [edits, setEdits] = useState<FetchAccount | "new" | null>(null);
	const [removes, setRemoves] = useState<FetchAccount | null>(null);
	const again = () => askAgain("/admin/fetch-accounts");
	const test = async (account: FetchAccount) => {
		try {
			const found = await api.post("/admin/fetch-accounts/{account}/test", { path: { account: account.name } });
			toast(found.ok ? "success" : "danger", t(found.ok ? "accounts.works" : "accounts.fails"), found.text);
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<Block title={t("accounts")}>
			<p>{t("accounts.text")}</p>
			<Asked of={asked}>
				{({ accounts }) => (
					<CursorTable
						label={t("accounts")}
						rows={accounts}
						rowKey={(row) => row.name}
						empty={<p className="sp-quiet">{t("accounts.none")}</p>}
						columns={[
							{ title: t("accounts.name"), cell: (row) => row.name },
							{ title: t("accounts.server"), cell: (row) => `${row.settings.host ?? ""}` },
							{ title: t("accounts.last"), cell: (row) => (row.lastRun ? dateTime(row.lastRun) : t("accounts.never")) },
							{ title: t("accounts.archived"), cell: (row) => number(row.archived), right: true },
							{ title: t("accounts.failed"), cell: (row) => number(row.failed), right: true },
						]}
						actions={(row) => (
							<RowActions
								label={row.name}
								of={[
									{ title: t("accounts.fetch"), run: () => void start({ kind: "import", account: row.name }) },
									{ title: t("accounts.test"), run: () => void test(row) },
									{ title: admin("edit"), run: () => setEdits(row) },
									{ title: admin("remove"), run: () => setRemoves(row), isDanger: true },
								]}
							/>
						)}
					/>
				)}
			</Asked>
			<Button variant="secondary" className="sp-gap-above" onClick={() => setEdits("new")}>
				{t("accounts.add")}
			</Button>
			{edits && <Account account={edits === "new" ? null : edits} onKept={again} onClose={() => setEdits(null)} />}
			{removes && (
				<ConfirmWord
					title={t("accounts.remove.title", { name: removes.name })}
					action={admin("remove")}
					word={removes.name}
					onConfirm={(confirm) => api.delete("/admin/fetch-accounts/{account}", { path: { account: removes.name }, body: { confirm } }).then(again)}
					onClose={() => setRemoves(null)}
				>
					{t("accounts.remove.text")}
				</ConfirmWord>
			)}
		</Block>
	);
}
