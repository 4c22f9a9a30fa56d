// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { Button, FormHelperText, HelperText, HelperTextItem, InputGroup, InputGroupItem, TextInput } from "@patternfly/react-core";
import EyeIcon from "@patternfly/react-icons/dist/esm/icons/eye-icon";
import EyeSlashIcon from "@patternfly/react-icons/dist/esm/icons/eye-slash-icon";
import { useText } from "#/i18n/catalogue";
import { text } from "./text";

interface Props {
	id: string;
	value: string;
	onChange: (value: string) => void;
	/* One is kept on the server, which never shows it. */
	isSet?: boolean;
	autoComplete?: "current-password" | "new-password" | "off";
	isRequired?: boolean;
	isInvalid?: boolean;
	autoFocus?: boolean;
	describedBy?: string;
}

/* A password, which can be looked at while it is typed. */
export function SecretField({ id, value, onChange, isSet, autoComplete = "off", isRequired, isInvalid, autoFocus, describedBy }: Props) {
	const t = useText(text);
	const [shown, setShown] = useState(false);
	return (
		<>
			<InputGroup>
				<InputGroupItem isFill>
					<TextInput
						id={id}
						name={id}
						type={shown ? "text" : "password"}
						value={value}
						onChange={(_, next) => onChange(next)}
						autoComplete={autoComplete}
						isRequired={isRequired ?? false}
						validated={isInvalid ? "error" : "default"}
						autoFocus={autoFocus ?? false}
						aria-describedby={describedBy ?? (isSet ? `${id}-set` : undefined)}
						spellCheck={false}
						placeholder={isSet ? "••••••••" : ""}
					/>
				</InputGroupItem>
				<InputGroupItem>
					<Button
						variant="control"
						aria-label={shown ? t("secret.hide") : t("secret.show")}
						icon={shown ? <EyeSlashIcon /> : <EyeIcon />}
						onClick={() => setShown(!shown)}
					/>
				</InputGroupItem>
			</InputGroup>
			{isSet && (
				<FormHelperText>
					<HelperText id={`${id}-set`}>
						<HelperTextItem>{t("secret.set")}</HelperTextItem>
					</HelperText>
				</FormHelperText>
			)}
		</>
	);
}
