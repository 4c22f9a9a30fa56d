// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent } from "react";
import { ActionGroup, Alert, Button, Content, Form, FormGroup } from "@patternfly/react-core";
import { api } from "#/api/client";
import { problemOf } from "#/api/problem";
import { useAskAgain } from "#/api/useGet";
import { toast } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { problemDetail, problemTitle } from "#/parts/problemText";
import { SecretField } from "#/parts/SecretField";
import { Block } from "./Account";
import { text } from "./text";

export function Password() {
	const t = useText(text);
	const askAgain = useAskAgain();
	const [old, setOld] = useState("");
	const [next, setNext] = useState("");
	const [again, setAgain] = useState("");
	const [failed, setFailed] = useState("");
	const [busy, setBusy] = useState(false);

	async function submit(event: FormEvent) {
		event.preventDefault();
		if (next !== again) return setFailed(t("password.differs"));
		setBusy(true);
		setFailed("");
		try {
			await api.put("/me/password", { body: { old, new: next } });
			toast("success", t("password.changed"));
			setOld("");
			setNext("");
			setAgain("");
			askAgain("/sessions");
		} catch (reason) {
			const problem = problemOf(reason);
			setFailed(problem.code === "wrong-key" ? t("password.wrong") : problemDetail(problem) || problemTitle(problem));
		} finally {
			setBusy(false);
		}
	}

	return (
		<Block title={t("password")}>
			<Form onSubmit={submit}>
				<Content component="p">{t("password.text")}</Content>
				{failed && <Alert component="h2" variant="danger" isInline isLiveRegion title={failed} />}
				<FormGroup label={t("password.old")} fieldId="password-old">
					<SecretField id="password-old" value={old} onChange={setOld} autoComplete="current-password" isRequired />
				</FormGroup>
				<FormGroup label={t("password.new")} fieldId="password-new">
					<SecretField id="password-new" value={next} onChange={setNext} autoComplete="new-password" isRequired />
				</FormGroup>
				<FormGroup label={t("password.again")} fieldId="password-again">
					<SecretField id="password-again" value={again} onChange={setAgain} autoComplete="new-password" isRequired />
				</FormGroup>
				<ActionGroup>
					<Button type="submit" variant="secondary" isLoading={busy} isDisabled={!old || !next || !again}>
						{t("password.change")}
					</Button>
				</ActionGroup>
			</Form>
		</Block>
	);
}
