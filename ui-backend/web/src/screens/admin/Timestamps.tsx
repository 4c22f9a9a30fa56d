// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent } from "react";
import { ActionGroup, Alert, Button, Form, FormGroup, FormHelperText, FormSelect, FormSelectOption, HelperText, HelperTextItem, PageSection, TextArea, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Timestamps as Stamps, TimestampsOrder } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { dateTime, number } from "#/i18n/format";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { Asked } from "#/parts/States";
import { Block } from "#/screens/account/Account";
import { text } from "./storageText";
import { text as adminText } from "./text";
import "./admin.css";

function Authority({ stamps }: { stamps: Stamps }) {
	const t = useText(text);
	const admin = useText(adminText);
	const askAgain = useAskAgain();
	const [url, setUrl] = useState(stamps.url);
	const [ca, setCa] = useState("");
	const [user, setUser] = useState(stamps.user ?? "");
	const [password, setPassword] = useState("");
	const [rhythm, setRhythm] = useState<"daily" | "weekly">(stamps.rhythm ?? "daily");
	const [found, setFound] = useState<{ ok: boolean; text: string } | null>(null);
	const [busy, setBusy] = useState(false);
	const order = (): TimestampsOrder => ({ url: url.trim(), rhythm, ...(ca.trim() ? { ca } : {}), ...(user ? { user } : {}), ...(password ? { password } : {}) });

	const test = async () => {
		setBusy(true);
		setFound(null);
		try {
			setFound(await api.post("/admin/timestamps/test", { body: order() }));
		} catch (reason) {
			toastProblem(reason);
		} finally {
			setBusy(false);
		}
	};
	async function submit(event: FormEvent) {
		event.preventDefault();
		try {
			await api.put("/admin/timestamps", { body: order() });
			askAgain("/admin/timestamps");
			toast("success", admin("saved"));
		} catch (reason) {
			toastProblem(reason);
		}
	}

	return (
		<Form onSubmit={submit} isWidthLimited>
			<FormGroup label={t("timestamps.url")} fieldId="tsa-url" isRequired>
				<TextInput id="tsa-url" type="url" value={url} onChange={(_, value) => setUrl(value)} maxLength={1024} isRequired autoComplete="off" />
			</FormGroup>
			<FormGroup label={t("timestamps.ca")} fieldId="tsa-ca">
				<TextArea id="tsa-ca" value={ca} onChange={(_, value) => setCa(value)} rows={4} spellCheck={false} />
				{stamps.caSubject && (
					<FormHelperText>
						<HelperText>
							<HelperTextItem>{t("timestamps.ca.kept", { subject: stamps.caSubject })}</HelperTextItem>
						</HelperText>
					</FormHelperText>
				)}
			</FormGroup>
			<FormGroup label={t("timestamps.user")} fieldId="tsa-user">
				<TextInput id="tsa-user" value={user} onChange={(_, value) => setUser(value)} maxLength={256} autoComplete="off" />
			</FormGroup>
			<FormGroup label={t("timestamps.password")} fieldId="tsa-password">
				<TextInput id="tsa-password" type="password" value={password} onChange={(_, value) => setPassword(value)} maxLength={1024} autoComplete="new-password" />
			</FormGroup>
			<FormGroup label={t("timestamps.rhythm")} fieldId="tsa-rhythm">
				<FormSelect id="tsa-rhythm" value={rhythm} onChange={(_, value) => setRhythm(value as "daily")}>
					<FormSelectOption value="daily" label={t("backup.daily")} />
					<FormSelectOption value="weekly" label={t("backup.weekly")} />
				</FormSelect>
			</FormGroup>
			{found && (
				<Alert component="h2" isInline isLiveRegion variant={found.ok ? "success" : "danger"} title={t(found.ok ? "works" : "fails")}>
					{found.text}
				</Alert>
			)}
			<ActionGroup>
				<Button type="submit" isDisabled={!url.trim()}>
					{admin("save")}
				</Button>
				<Button variant="secondary" onClick={() => void test()} isLoading={busy} isDisabled={!url.trim()}>
					{t("test")}
				</Button>
			</ActionGroup>
		</Form>
	);
}

export default function Timestamps() {
	const t = useText(text);
	const asked = useGet("/admin/timestamps", {});
	return (
		<>
			<PageTitle title={t("timestamps")} text={t("timestamps.text")} />
			<PageSection hasBodyWrapper={false} className="sp-blocks">
				<Asked of={asked}>
					{(stamps) => (
						<>
							<p>{t("timestamps.waiting", { n: stamps.waiting })}</p>
							<Authority stamps={stamps} />
							<Block title={t("timestamps")}>
								<CursorTable
									label={t("timestamps")}
									rows={stamps.stamps}
									rowKey={(row) => row.stamp}
									empty={<p className="sp-quiet">{t("timestamps.none")}</p>}
									columns={[
										{ title: t("timestamps.time"), cell: (row) => dateTime(row.time) },
										{ title: t("timestamps.mails"), cell: (row) => number(row.mails), right: true },
									]}
								/>
							</Block>
						</>
					)}
				</Asked>
			</PageSection>
		</>
	);
}
