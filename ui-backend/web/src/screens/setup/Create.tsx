// SPDX-License-Identifier: GPL-3.0-or-later
// Where there is no archive yet: make one, or bring one back.
import { useEffect, useRef, useState, type FormEvent } from "react";
import { ActionGroup, Alert, Button, Card, CardBody, CardTitle, Form, FormGroup, FormHelperText, HelperText, HelperTextItem, Progress, Radio, TextArea, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import { useAskAgain, useGet } from "#/api/useGet";
import { toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { Asked } from "#/parts/States";
import { text } from "#/screens/admin/storageText";

const EMPTY = { token: "", name: "", adminPassword: "", keyBackup: "", keyPassword: "", location: "", user: "", password: "" };

function Fields({ onDone }: { onDone: () => void }) {
	const t = useText(text);
	const [kind, setKind] = useState<"create" | "import">("create");
	const [form, setForm] = useState(EMPTY);
	const [busy, setBusy] = useState(false);
	const field = (name: keyof typeof EMPTY, label: string, type: "text" | "password" = "text", isRequired = true) => (
		<FormGroup label={label} fieldId={`setup-${name}`} isRequired={isRequired}>
			<TextInput id={`setup-${name}`} type={type} value={form[name]} onChange={(_, value) => setForm({ ...form, [name]: value })} isRequired={isRequired} autoComplete={type === "password" ? "new-password" : "off"} />
		</FormGroup>
	);
	async function submit(event: FormEvent) {
		event.preventDefault();
		setBusy(true);
		try {
			const { token, name, adminPassword, ...rest } = form;
			const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== ""));
			await api.post("/setup", {
				headers: { "X-Sealpost-Setup": token.trim() },
				body: { kind, adminPassword, ...(kind === "create" ? (name.trim() ? { name: name.trim() } : {}) : given) },
			});
			onDone();
		} catch (reason) {
			toastProblem(reason);
		} finally {
			setBusy(false);
		}
	}
	return (
		<Form onSubmit={submit}>
			<p>{t("wizard.welcome")}</p>
			<FormGroup label={t("wizard.token")} fieldId="setup-token" isRequired>
				<TextInput id="setup-token" value={form.token} onChange={(_, token) => setForm({ ...form, token })} isRequired autoComplete="off" />
				<FormHelperText>
					<HelperText>
						<HelperTextItem>{t("wizard.token.text")}</HelperTextItem>
					</HelperText>
				</FormHelperText>
			</FormGroup>
			<FormGroup role="radiogroup" isStack label={t("wizard")}>
				{(["create", "import"] as const).map((one) => (
					<Radio key={one} id={`setup-${one}`} name="kind" label={t(`wizard.kind.${one}`)} isChecked={kind === one} onChange={() => setKind(one)} />
				))}
			</FormGroup>
			{kind === "create" ? (
				field("name", t("wizard.name"), "text", false)
			) : (
				<>
					<FormGroup label={t("wizard.key")} fieldId="setup-key" isRequired>
						<TextArea id="setup-key" value={form.keyBackup} onChange={(_, keyBackup) => setForm({ ...form, keyBackup })} rows={6} spellCheck={false} isRequired />
					</FormGroup>
					{field("keyPassword", t("wizard.key.password"), "password")}
					{field("location", t("wizard.location"))}
					{form.location.startsWith("smb:") && field("user", t("media.user"), "text", false)}
					{form.location.startsWith("smb:") && field("password", t("media.password"), "password", false)}
				</>
			)}
			{field("adminPassword", t("wizard.admin"), "password")}
			<ActionGroup>
				<Button type="submit" isLoading={busy} isDisabled={busy || !form.token || !form.adminPassword}>
					{t(kind === "create" ? "wizard.make" : "wizard.bring")}
				</Button>
			</ActionGroup>
		</Form>
	);
}

export default function Create() {
	const t = useText(text);
	const askAgain = useAskAgain();
	const [tries, setTries] = useState(false);
	const asked = useGet("/setup", {}, { every: 2000 });
	const done = () => {
		setTries(false);
		askAgain("/setup", "/session");
	};
	// Made by somebody else, or brought back by now: there is something to log in to.
	const isReady = asked.data?.archive === "ready";
	const again = useRef(askAgain);
	useEffect(() => {
		if (isReady) again.current("/session");
	}, [isReady]);
	return (
		<main className="sp-setup">
			<Card>
				<CardTitle component="h1">{t("wizard")}</CardTitle>
				<CardBody>
					<Asked of={asked}>
						{(setup) => {
							if (setup.archive === "restoring")
								return (
									<Progress
										aria-label={t("wizard.bringing.open")}
										title={setup.progressTotal ? t("wizard.bringing", { done: setup.progressDone ?? 0, total: setup.progressTotal }) : t("wizard.bringing.open")}
										value={setup.progressTotal ? ((setup.progressDone ?? 0) / setup.progressTotal) * 100 : 0}
									/>
								);
							if (setup.archive === "failed" && !tries)
								return (
									<Alert component="h2" isInline variant="danger" title={t("wizard.failed")} actionLinks={<Button variant="link" isInline onClick={() => setTries(true)}>{t("wizard.again")}</Button>}>
										{setup.text}
									</Alert>
								);
							return <Fields onDone={done} />;
						}}
					</Asked>
				</CardBody>
			</Card>
		</main>
	);
}
