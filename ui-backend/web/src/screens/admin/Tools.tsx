// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent } from "react";
import { ActionGroup, Button, Form, FormGroup, PageSection, TextInput } from "@patternfly/react-core";
import { useStartTask } from "#/app/tasks";
import { useText } from "#/i18n/catalogue";
import { PageTitle } from "#/parts/PageTitle";
import { Block } from "#/screens/account/Account";
import { Accounts } from "./Accounts";
import { text } from "./toolsText";
import "./admin.css";

const KINDS = ["verify", "drill", "mirror", "backup", "updateIndex"] as const;

function Import() {
	const t = useText(text);
	const start = useStartTask();
	const [location, setLocation] = useState("");
	const [sourceName, setSourceName] = useState("");
	const submit = (event: FormEvent) => {
		event.preventDefault();
		void start({ kind: "import", location: location.trim(), ...(sourceName.trim() ? { sourceName: sourceName.trim() } : {}) });
	};
	return (
		<Block title={t("import")}>
			<p>{t("import.text")}</p>
			<Form onSubmit={submit} isWidthLimited className="sp-gap-above">
				<FormGroup label={t("import.location")} fieldId="import-location" isRequired>
					<TextInput id="import-location" value={location} onChange={(_, value) => setLocation(value)} maxLength={1024} isRequired autoComplete="off" />
				</FormGroup>
				<FormGroup label={t("import.source")} fieldId="import-source">
					<TextInput id="import-source" value={sourceName} onChange={(_, value) => setSourceName(value)} maxLength={100} autoComplete="off" />
				</FormGroup>
				<ActionGroup>
					<Button type="submit" isDisabled={!location.trim()}>
						{t("start")}
					</Button>
				</ActionGroup>
			</Form>
		</Block>
	);
}

export default function Tools() {
	const t = useText(text);
	const start = useStartTask();
	return (
		<>
			<PageTitle title={t("tools")} text={t("tools.text")} />
			<PageSection hasBodyWrapper={false} className="sp-blocks">
				<Import />
				<Accounts />
				{KINDS.map((kind) => (
					<Block key={kind} title={t(kind)}>
						<p>{t(`${kind}.text`)}</p>
						<Button variant="secondary" className="sp-gap-above" aria-label={`${t("start")}: ${t(kind)}`} onClick={() => void start({ kind })}>
							{t("start")}
						</Button>
					</Block>
				))}
			</PageSection>
		</>
	);
}
