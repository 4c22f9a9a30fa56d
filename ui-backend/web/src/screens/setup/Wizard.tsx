// SPDX-License-Identifier: GPL-3.0-or-later
// A new archive's first hour: the administrator's screens one after the other, and a mail that goes through it all in the end.
import { lazy, Suspense, useState } from "react";
import { ActionList, ActionListItem, Alert, Button, Card, CardBody, PageSection, ProgressStep, ProgressStepper } from "@patternfly/react-core";
import { api } from "#/api/client";
import { useAskAgain, useGet } from "#/api/useGet";
import { toastProblem } from "#/app/toasts";
import { text as appText } from "#/app/text";
import { useText } from "#/i18n/catalogue";
import { number } from "#/i18n/format";
import { PageTitle } from "#/parts/PageTitle";
import { Loading } from "#/parts/States";
import { text } from "#/screens/admin/storageText";

const Key = lazy(() => import("#/screens/admin/Key"));
const Media = lazy(() => import("#/screens/admin/Media"));
const Backup = lazy(() => import("#/screens/admin/Backup"));
const Intake = lazy(() => import("#/screens/admin/Intake"));
const Timestamps = lazy(() => import("#/screens/admin/Timestamps"));
const People = lazy(() => import("#/screens/admin/People"));

function KeyStep() {
	const t = useText(text);
	const askAgain = useAskAgain();
	const skip = async () => {
		try {
			await api.post("/admin/key/check", { body: { skip: true } });
			askAgain("/admin/key", "/session");
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<>
			<Key />
			<PageSection hasBodyWrapper={false}>
				<p className="sp-quiet">{t("wizard.skip")}</p>
				<Button variant="link" isInline onClick={() => void skip()}>
					{t("wizard.skip.do")}
				</Button>
			</PageSection>
		</>
	);
}

function Watch({ id }: { id: string }) {
	const t = useText(text);
	const asked = useGet("/setup/test-mail/{id}", { path: { id } }, { every: 1000 });
	const state = asked.data?.state ?? "spooled";
	const title = state === "found" ? t("wizard.mail.found", { seconds: number(Math.round(asked.data?.seconds ?? 0)) }) : t(`wizard.mail.${state}`);
	return <Alert component="h2" isInline isLiveRegion variant={state === "found" ? "success" : state === "stuck" ? "danger" : "info"} title={title} />;
}

function MailStep() {
	const t = useText(text);
	const [id, setId] = useState("");
	const send = async () => {
		try {
			setId((await api.post("/setup/test-mail")).id);
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<>
			<PageTitle title={t("wizard.mail")} text={t("wizard.mail.text")} />
			<PageSection hasBodyWrapper={false}>
				<Button variant="secondary" onClick={() => void send()}>
					{t("wizard.mail.send")}
				</Button>
				<div className="sp-gap-above">{id && <Watch key={id} id={id} />}</div>
			</PageSection>
		</>
	);
}

export default function Wizard() {
	const t = useText(text);
	const app = useText(appText);
	const askAgain = useAskAgain();
	const [at, setAt] = useState(0);
	const steps = [
		[app("nav.key"), KeyStep],
		[t("media"), Media],
		[t("backup"), Backup],
		[t("intake"), Intake],
		[t("timestamps"), Timestamps],
		[app("nav.people"), People],
		[t("wizard.mail"), MailStep],
	] as const;
	const Step = (steps[at] ?? steps[0])[1];
	const finish = async () => {
		try {
			await api.post("/setup/done");
			askAgain("/session");
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<main className="sp-wizard" id="main">
			<ProgressStepper isCenterAligned aria-label={t("wizard")}>
				{steps.map(([title], i) => (
					<ProgressStep key={title} id={`step-${i}`} titleId={`step-title-${i}`} variant={i < at ? "success" : i === at ? "info" : "pending"} isCurrent={i === at} aria-label={title}>
						{title}
					</ProgressStep>
				))}
			</ProgressStepper>
			<p className="sp-wizard-at">
				{at + 1} / {steps.length}
			</p>
			<Card>
				<CardBody className="sp-wizard-step">
					<Suspense fallback={<Loading />}>
						<Step />
					</Suspense>
				</CardBody>
			</Card>
			<ActionList className="sp-wizard-foot">
				{at > 0 && (
					<ActionListItem>
						<Button variant="secondary" onClick={() => setAt(at - 1)}>
							{t("wizard.back")}
						</Button>
					</ActionListItem>
				)}
				<ActionListItem>
					{at < steps.length - 1 ? <Button onClick={() => setAt(at + 1)}>{t("wizard.next")}</Button> : <Button onClick={() => void finish()}>{t("wizard.finish")}</Button>}
				</ActionListItem>
			</ActionList>
		</main>
	);
}
