// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent } from "react";
import { ActionGroup, Alert, Button, ClipboardCopy, Form, FormGroup, Label, PageSection, Switch, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Intake as Doors } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { ago } from "#/i18n/format";
import { PageTitle } from "#/parts/PageTitle";
import { Asked } from "#/parts/States";
import { text as partsText } from "#/parts/text";
import { fromLines, Lines, toLines } from "./Lines";
import { text } from "./storageText";
import { text as adminText } from "./text";
import "./admin.css";

function Runs({ runs }: { runs: boolean | undefined }) {
	const t = useText(text);
	return runs ? <Label color="green">{t("intake.runs")}</Label> : <Label color="grey">{t("intake.stopped")}</Label>;
}

/** Only root changes the mail server: the page tells how it is, and what he says. */
function Postfix({ postfix }: { postfix: Doors["postfix"] }) {
	const t = useText(text);
	const parts = useText(partsText);
	if (postfix.hooked && !postfix.trouble) return <Alert component="h2" isInline variant="success" title={t("intake.hooked", { dir: postfix.configDir })} />;
	return (
		<Alert component="h2" isInline variant={postfix.trouble ? "danger" : "info"} title={t(postfix.trouble ? "intake.drifted" : "intake.unhooked")}>
			<ClipboardCopy isReadOnly hoverTip={parts("copy")} clickTip={parts("copied")} textAriaLabel={t("intake.command")} className="sp-gap-above">
				{postfix.command}
			</ClipboardCopy>
			{postfix.trouble && <p className="sp-gap-above">{postfix.trouble}</p>}
		</Alert>
	);
}

function Fields({ doors }: { doors: Doors }) {
	const t = useText(text);
	const admin = useText(adminText);
	const askAgain = useAskAgain();
	const [milter, setMilter] = useState(doors.milter);
	const [smtp, setSmtp] = useState(doors.smtp);
	const [domain, setDomain] = useState(doors.archiveDomain);
	const [listen, setListen] = useState(doors.smtpListen ?? "");
	const [networks, setNetworks] = useState(toLines(doors.networks ?? []));

	async function submit(event: FormEvent) {
		event.preventDefault();
		try {
			await api.put("/admin/intake", {
				body: {
					milter,
					smtp,
					...(domain.trim() ? { archiveDomain: domain.trim() } : {}),
					...(smtp && listen.trim() ? { smtpListen: listen.trim() } : {}),
					...(smtp ? { networks: fromLines(networks) } : {}),
				},
			});
			askAgain("/admin/intake");
			toast("success", admin("saved"));
		} catch (reason) {
			toastProblem(reason);
		}
	}

	return (
		<Form onSubmit={submit} isWidthLimited>
			<Postfix postfix={doors.postfix} />
			{doors.lastMail && <p>{t("intake.last", { time: ago(doors.lastMail) })}</p>}
			<FormGroup label={t("intake.domain")} fieldId="intake-domain">
				<TextInput id="intake-domain" value={domain} onChange={(_, value) => setDomain(value)} maxLength={255} autoComplete="off" />
			</FormGroup>
			<div>
				<Switch id="intake-milter" label={t("intake.milter")} isChecked={milter} onChange={(_, on) => setMilter(on)} /> {doors.milter && <Runs runs={doors.milterRuns} />}
			</div>
			<div>
				<Switch id="intake-smtp" label={t("intake.smtp")} isChecked={smtp} onChange={(_, on) => setSmtp(on)} /> {doors.smtp && <Runs runs={doors.smtpRuns} />}
			</div>
			{smtp && (
				<>
					<FormGroup label={t("intake.listen")} fieldId="intake-listen">
						<TextInput id="intake-listen" value={listen} onChange={(_, value) => setListen(value)} maxLength={200} autoComplete="off" />
					</FormGroup>
					<Lines id="intake-networks" label={t("intake.networks")} value={networks} onChange={setNetworks} />
				</>
			)}
			{doors.dnat?.address && doors.dnat.port && <Alert component="h2" isInline variant="info" title={t("intake.dnat", { address: doors.dnat.address, port: doors.dnat.port })} />}
			{doors.journalAddress && <Alert component="h2" isInline variant="info" title={t("intake.journal", { address: doors.journalAddress })} />}
			<ActionGroup>
				<Button type="submit">{admin("save")}</Button>
			</ActionGroup>
		</Form>
	);
}

export default function Intake() {
	const t = useText(text);
	const asked = useGet("/admin/intake", {});
	return (
		<>
			<PageTitle title={t("intake")} text={t("intake.text")} />
			<PageSection hasBodyWrapper={false}>
				<Asked of={asked}>{(doors) => <Fields doors={doors} />}</Asked>
			</PageSection>
		</>
	);
}
