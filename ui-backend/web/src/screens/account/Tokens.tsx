// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent } from "react";
import {
	ActionGroup,
	Alert,
	Button,
	Checkbox,
	ClipboardCopy,
	Content,
	Form,
	FormGroup,
	Modal,
	ModalBody,
	ModalHeader,
	NumberInput,
	TextInput,
} from "@patternfly/react-core";
import { api } from "#/api/client";
import type { ApiToken, Me, Role, TokenScope } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { dateTime, day } from "#/i18n/format";
import { ConfirmWord } from "#/parts/ConfirmWord";
import { CursorTable } from "#/parts/CursorTable";
import { Asked } from "#/parts/States";
import { text as partsText } from "#/parts/text";
import { Block } from "./Account";
import { text } from "./text";

/* What a token of somebody can be made for: never more than he may himself. */
function scopesOf(role: Role): readonly TokenScope[] {
	if (role === "admin") return ["admin"];
	if (role === "uploader") return ["upload"];
	return ["search", "read", "export"];
}

function Make({ role, onClose }: { role: Role; onClose: () => void }) {
	const t = useText(text);
	const parts = useText(partsText);
	const askAgain = useAskAgain();
	const offered = scopesOf(role);
	const [name, setName] = useState("");
	const [scopes, setScopes] = useState<readonly TokenScope[]>(offered.slice(0, 1));
	const [days, setDays] = useState(365);
	const [made, setMade] = useState("");

	async function submit(event: FormEvent) {
		event.preventDefault();
		try {
			setMade((await api.post("/me/tokens", { body: { name: name.trim(), scopes: [...scopes], days } })).token);
			askAgain("/me/tokens");
		} catch (reason) {
			toastProblem(reason);
		}
	}

	return (
		<Modal isOpen variant="small" onClose={onClose} aria-labelledby="token-title">
			<ModalHeader title={t("tokens.make")} labelId="token-title" />
			<ModalBody>
				{made ? (
					<>
						<Alert component="h2" variant="warning" isInline isLiveRegion title={t("tokens.once")} />
						<ClipboardCopy isReadOnly hoverTip={parts("copy")} clickTip={parts("copied")} textAriaLabel={t("tokens")} className="sp-gap-above">
							{made}
						</ClipboardCopy>
						<Button className="sp-gap-above" onClick={onClose}>
							{t("close")}
						</Button>
					</>
				) : (
					<Form onSubmit={submit}>
						<FormGroup label={t("tokens.name")} fieldId="token-name" isRequired>
							<TextInput id="token-name" value={name} onChange={(_, value) => setName(value)} maxLength={100} isRequired autoFocus />
						</FormGroup>
						<FormGroup label={t("tokens.scopes")} role="group" isStack>
							{offered.map((scope) => (
								<Checkbox
									key={scope}
									id={`scope-${scope}`}
									label={t(`scope.${scope}`)}
									isChecked={scopes.includes(scope)}
									onChange={(_, on) => setScopes(on ? [...scopes, scope] : scopes.filter((other) => other !== scope))}
								/>
							))}
						</FormGroup>
						<FormGroup label={t("tokens.days")} fieldId="token-days">
							<NumberInput
								id="token-days"
								inputAriaLabel={t("tokens.days")}
								value={days}
								min={1}
								max={3650}
								onMinus={() => setDays(Math.max(1, days - 1))}
								onPlus={() => setDays(Math.min(3650, days + 1))}
								onChange={(event) => setDays(Math.min(3650, Math.max(1, Number(event.currentTarget.value) || 1)))}
							/>
						</FormGroup>
						<ActionGroup>
							<Button type="submit" isDisabled={!name.trim() || scopes.length === 0}>
								{t("tokens.make")}
							</Button>
						</ActionGroup>
					</Form>
				)}
			</ModalBody>
		</Modal>
	);
}

export function Tokens({ me }: { me: Me }) {
	const t = useText(text);
	const askAgain = useAskAgain();
	const asked = useGet("/me/tokens", {});
	const [makes, setMakes] = useState(false);
	const [revokes, setRevokes] = useState<ApiToken | null>(null);
	const revoke = async (token: number) => {
		await api.delete("/me/tokens/{token}", { path: { token } });
		askAgain("/me/tokens");
	};
	return (
		<Block title={t("tokens")}>
			<Content component="p">{t("tokens.text")}</Content>
			<Asked of={asked}>
				{({ tokens }) => (
					<CursorTable
						label={t("tokens")}
						rows={tokens}
						rowKey={(row) => row.token}
						empty={<p className="sp-quiet">{t("tokens.none")}</p>}
						columns={[
							{ title: t("tokens.name"), cell: (row) => row.name },
							{ title: t("tokens.scopes"), cell: (row) => row.scopes.map((scope) => t(`scope.${scope}`)).join(", ") },
							{ title: t("tokens.made"), cell: (row) => day(row.made) },
							{ title: t("tokens.ends"), cell: (row) => day(row.ends) },
							{ title: t("tokens.used"), cell: (row) => (row.used ? dateTime(row.used) : t("tokens.never")) },
						]}
						actions={(row) => (
							<Button variant="link" isDanger isInline onClick={() => setRevokes(row)}>
								{t("tokens.revoke")}
							</Button>
						)}
					/>
				)}
			</Asked>
			<Button variant="secondary" className="sp-gap-above" onClick={() => setMakes(true)}>
				{t("tokens.make")}
			</Button>
			{makes && <Make role={me.role} onClose={() => setMakes(false)} />}
			{revokes && (
				<ConfirmWord
					title={t("tokens.revoke.of", { name: revokes.name })}
					action={t("tokens.revoke")}
					onConfirm={() => revoke(revokes.token)}
					onClose={() => setRevokes(null)}
				>
					{t("tokens.revoke.text")}
				</ConfirmWord>
			)}
		</Block>
	);
}
