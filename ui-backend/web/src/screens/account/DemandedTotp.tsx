// SPDX-License-Identifier: GPL-3.0-or-later
import { Button, Card, CardBody, CardTitle, Content } from "@patternfly/react-core";
import { api } from "#/api/client";
import { useHere } from "#/app/session";
import { Brand } from "#/app/Shell";
import { toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { text } from "./text";
import { TotpSetup } from "./TotpSetup";
import "#/screens/login/login.css";

/* Stands between log-in and archive until the demanded one-time codes are set up. */
export default function DemandedTotp() {
	const t = useText(text);
	const { entered, leave } = useHere();
	const done = () => {
		api.get("/session").then(entered, toastProblem);
	};
	return (
		<main className="sp-login">
			<div className="sp-login-box">
				<div className="sp-login-brand">
					<Brand />
				</div>
				<Card isLarge>
					<CardTitle component="h1">{t("totp.must")}</CardTitle>
					<CardBody>
						<Content component="p">{t("totp.must.text")}</Content>
						<TotpSetup onDone={done} />
					</CardBody>
				</Card>
				<Button variant="link" onClick={() => void leave()}>
					{t("logout")}
				</Button>
			</div>
		</main>
	);
}
