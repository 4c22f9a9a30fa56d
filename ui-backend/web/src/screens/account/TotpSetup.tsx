// SPDX-License-Identifier: GPL-3.0-or-later
// The way to one-time codes: scan, confirm with a code, keep the recovery codes.
import { useEffect, useState, type FormEvent } from "react";
import { ActionGroup, Alert, Button, ClipboardCopy, Content, Form, FormGroup, TextInput } from "@patternfly/react-core";
import { api, type Answer } from "#/api/client";
import { problemOf } from "#/api/problem";
import { toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { text as partsText } from "#/parts/text";
import { problemTitle } from "#/parts/problemText";
import { Loading } from "#/parts/States";
import { text } from "./text";
import "./account.css";

function Recovery({ codes, onKept }: { codes: readonly string[]; onKept: () => void }) {
	const t = useText(text);
	return (
		<div className="sp-printed">
			<Content component="h3">{t("totp.recovery")}</Content>
			<Content component="p">{t("totp.recovery.text")}</Content>
			<ul className="sp-recovery">
				{codes.map((code) => (
					<li key={code}>{code}</li>
				))}
			</ul>
			<ActionGroup className="sp-not-printed">
				<Button onClick={onKept}>{t("totp.recovery.kept")}</Button>
				<Button variant="secondary" onClick={() => window.print()}>
					{t("totp.print")}
				</Button>
			</ActionGroup>
		</div>
	);
}

export function TotpSetup({ onDone }: { onDone: () => void }) {
	const t = useText(text);
	const parts = useText(partsText);
	const [secret, setSecret] = useState<Answer<"/me/totp", "post"> | null>(null);
	const [code, setCode] = useState("");
	const [failed, setFailed] = useState("");
	const [codes, setCodes] = useState<readonly string[]>([]);

	useEffect(() => {
		let here = true;
		api.post("/me/totp").then((answer) => here && setSecret(answer), toastProblem);
		return () => {
			here = false;
		};
	}, []);

	async function confirm(event: FormEvent) {
		event.preventDefault();
		setFailed("");
		try {
			setCodes((await api.put("/me/totp", { body: { code: code.replace(/\s/g, "") } })).recoveryCodes);
		} catch (reason) {
			const problem = problemOf(reason);
			setFailed(problem.code === "wrong-key" || problem.code === "denied" || problem.status === 401 ? t("totp.wrong") : problemTitle(problem));
			setCode("");
		}
	}

	if (codes.length > 0) return <Recovery codes={codes} onKept={onDone} />;
	if (!secret) return <Loading />;
	return (
		<Form onSubmit={confirm}>
			<Content component="p">{t("totp.scan")}</Content>
			{/* As an image, so that nothing in it can act. */}
			<img className="sp-qr" alt={t("totp.qr")} src={`data:image/svg+xml,${encodeURIComponent(secret.qr)}`} />
			<FormGroup label={t("totp.secret")} fieldId="totp-secret">
				<ClipboardCopy isReadOnly hoverTip={parts("copy")} clickTip={parts("copied")} textAriaLabel={t("totp.secret")}>
					{secret.secret}
				</ClipboardCopy>
			</FormGroup>
			{failed && <Alert component="h2" variant="danger" isInline isLiveRegion title={failed} />}
			<FormGroup label={t("totp.enter")} fieldId="totp-code">
				<TextInput
					id="totp-code"
					value={code}
					onChange={(_, value) => setCode(value)}
					inputMode="numeric"
					autoComplete="one-time-code"
					maxLength={10}
					isRequired
				/>
			</FormGroup>
			<ActionGroup>
				<Button type="submit" isDisabled={!code.trim()}>
					{t("totp.confirm")}
				</Button>
			</ActionGroup>
		</Form>
	);
}
