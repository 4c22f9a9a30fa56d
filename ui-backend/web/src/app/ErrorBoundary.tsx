// SPDX-License-Identifier: GPL-3.0-or-later
import { Component, type ReactNode } from "react";
import { Button } from "@patternfly/react-core";
import { language, say } from "#/i18n/catalogue";
import { Empty } from "#/parts/States";
import { text } from "./text";

/* A screen that breaks takes nothing else with it. A new key (the path) begins anew. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
	override state = { broken: false };

	static getDerivedStateFromError() {
		return { broken: true };
	}

	override render() {
		if (!this.state.broken) return this.props.children;
		const t = say(text, language());
		return (
			<Empty title={t("broken.title")} actions={<Button onClick={() => location.reload()}>{t("broken.reload")}</Button>}>
				{t("broken.text")}
			</Empty>
		);
	}
}
