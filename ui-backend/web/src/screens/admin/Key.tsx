// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent } from "react";
import { ActionGroup, Alert, Button, Form, FormGroup, FormHelperText, HelperText, HelperTextItem, PageSection, TextInput } from "@patternfly/react-core";
import { api, type Answer } from "#/api/client";
import { useAskAgain, useGet } from "#/api/useGet";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { dateTime } from "#/i18n/format";
import { PageTitle } from "#/parts/PageTitle";
import { Asked } from "#/parts/States";
import { Block } from "#/screens/account/Account";
import { text } from "./text";
import "./admin.css";

type Backup = Answer<"/admin/key/backup", "post">;

function save(name: string, content: string) {
	const url = URL.createObjectURL(new Blob([content], { type: "text/plain" }));
	const link = document.createElement("a");
	link.href = url;
	link.download = name;
	link.click();
	URL.revokeObjectURL(url);
}

/* In a window of its own, which can run nothing of its own. */
function print(page: string) {
	const frame = document.createElement("iframe");
	frame.setAttribute("sandbox", "allow-same-origin allow-modals");
	frame.className = "sp-only-read";
	frame.srcdoc = page;
	frame.onload = () => {
		frame.contentWindow?.print();
		setTimeout(() => frame.remove(), 60_000);
	};
	document.body.append(frame);
}

function Check({ backup, onRight }: { backup: Backup; onRight: () => void }) {
	const t = useText(text);
	const [groups, setGroups] = useState<readonly string[]>(backup.challenge.map(() => ""));
	async function submit(event: FormEvent) {
		event.preventDefault();
		try {
			await api.post("/admin/key/check", { body: { groups: groups.map((one) => one.trim()) } });
			toast("success", t("key.right"));
			onRight();
		} catch (reason) {
			toastProblem(reason);
		}
	}
	return (
		<Block title={t("key.check")}>
			<Form onSubmit={submit} isWidthLimited>
				<p>{t("key.check.text")}</p>
				{backup.challenge.map((one, at) => (
					<FormGroup key={at} label={t("key.group", one)} fieldId={`key-group-${at}`} isRequired>
						<TextInput id={`key-group-${at}`} value={groups[at] ?? ""} onChange={(_, value) => setGroups(groups.map((old, i) => (i === at ? value : old)))} maxLength={16} autoComplete="off" isRequired />
					</FormGroup>
				))}
				<ActionGroup>
					<Button type="submit" isDisabled={groups.some((one) => !one.trim())}>
						{t("key.check")}
					</Button>
				</ActionGroup>
			</Form>
		</Block>
	);
}

function Make({ onMade }: { onMade: (backup: Backup) => void }) {
	const t = useText(text);
	const [password, setPassword] = useState("");
	async function submit(event: FormEvent) {
		event.preventDefault();
		try {
			onMade(await api.post("/admin/key/backup", { body: { password } }));
			setPassword("");
		} catch (reason) {
			toastProblem(reason);
		}
	}
	return (
		<Block title={t("key.export")}>
			<Form onSubmit={submit} isWidthLimited>
				<FormGroup label={t("key.password")} fieldId="key-password" isRequired>
					<TextInput id="key-password" type="password" value={password} onChange={(_, value) => setPassword(value)} maxLength={1024} autoComplete="new-password" isRequired />
					<FormHelperText>
						<HelperText>
							<HelperTextItem>{t("key.password.text")}</HelperTextItem>
						</HelperText>
					</FormHelperText>
				</FormGroup>
				<ActionGroup>
					<Button type="submit" isDisabled={!password}>
						{t("key.export")}
					</Button>
				</ActionGroup>
			</Form>
		</Block>
	);
}

export default function Key() {
	const t = useText(text);
	const asked = useGet("/admin/key", {});
	const askAgain = useAskAgain();
	const [backup, setBackup] = useState<Backup | null>(null);
	const right = () => {
		setBackup(null);
		askAgain("/admin/key");
		askAgain("/session");
	};
	return (
		<>
			<PageTitle title={t("key")} text={t("key.text")} />
			<PageSection hasBodyWrapper={false} className="sp-blocks">
				<Asked of={asked}>
					{(state) =>
						state.backedUp ? (
							<Alert component="h2" isInline variant="success" title={t("key.made", { time: dateTime(state.madeAt) })} />
						) : (
							<Alert component="h2" isInline variant="danger" title={t(state.skipped ? "key.skipped" : "key.none")} />
						)
					}
				</Asked>
				{backup ? (
					<>
						<ActionGroup>
							<Button onClick={() => print(backup.page)}>{t("key.print")}</Button>{" "}
							<Button variant="secondary" onClick={() => save(backup.fileName, backup.text)}>
								{t("key.download", { name: backup.fileName })}
							</Button>
						</ActionGroup>
						<Check backup={backup} onRight={right} />
					</>
				) : (
					<Make onMade={setBackup} />
				)}
			</PageSection>
		</>
	);
}
