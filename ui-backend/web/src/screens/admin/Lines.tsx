// SPDX-License-Identifier: GPL-3.0-or-later
import { FormGroup, FormHelperText, HelperText, HelperTextItem, TextArea } from "@patternfly/react-core";
import { useText } from "#/i18n/catalogue";
import { text } from "./text";

export const toLines = (values: readonly string[]) => values.join("\n");
export const fromLines = (value: string) =>
	value
		.split(/[\n,;]+/)
		.map((line) => line.trim())
		.filter(Boolean);

/* A list as people type one: a line each. */
export function Lines({ id, label, value, onChange }: { id: string; label: string; value: string; onChange: (value: string) => void }) {
	const t = useText(text);
	return (
		<FormGroup label={label} fieldId={id}>
			<TextArea id={id} value={value} onChange={(_, next) => onChange(next)} rows={3} resizeOrientation="vertical" spellCheck={false} aria-describedby={`${id}-help`} />
			<FormHelperText>
				<HelperText>
					<HelperTextItem id={`${id}-help`}>{t("lines")}</HelperTextItem>
				</HelperText>
			</FormHelperText>
		</FormGroup>
	);
}
