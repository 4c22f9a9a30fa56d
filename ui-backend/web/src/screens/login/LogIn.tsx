// SPDX-License-Identifier: GPL-3.0-or-later
import { Card, CardBody, Title, ToggleGroup, ToggleGroupItem } from "@patternfly/react-core";
import { Brand } from "#/app/Shell";
import { useHere } from "#/app/session";
import { chooseLanguage, language, useLanguage, useText } from "#/i18n/catalogue";
import { LogInForm } from "./LogInForm";
import { text } from "./text";
import "./login.css";

export function LogIn() {
	const t = useText(text);
	const { entered } = useHere();
	useLanguage();
	return (
		<main className="sp-login">
			<div className="sp-login-box">
				<div className="sp-login-brand">
					<Brand />
				</div>
				<Card isLarge>
					<CardBody>
						<Title headingLevel="h1" size="2xl" className="sp-login-title">
							{t("title")}
						</Title>
						<LogInForm onEntered={entered} />
					</CardBody>
				</Card>
				<ToggleGroup aria-label={t("language")} isCompact className="sp-login-language">
					<ToggleGroupItem text="Deutsch" lang="de" isSelected={language() === "de"} onChange={() => chooseLanguage("de")} />
					<ToggleGroupItem text="English" lang="en" isSelected={language() === "en"} onChange={() => chooseLanguage("en")} />
				</ToggleGroup>
			</div>
		</main>
	);
}
