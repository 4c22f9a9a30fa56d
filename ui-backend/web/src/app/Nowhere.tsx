// SPDX-License-Identifier: GPL-3.0-or-later
import { Button } from "@patternfly/react-core";
import { useText } from "#/i18n/catalogue";
import { Empty } from "#/parts/States";
import { href } from "./router";
import { text } from "./text";

export function Nowhere() {
	const t = useText(text);
	return (
		<Empty
			title={t("nowhere.title")}
			actions={
				<Button component="a" href={href("/")}>
					{t("nowhere.start")}
				</Button>
			}
		>
			{t("nowhere.text")}
		</Empty>
	);
}
