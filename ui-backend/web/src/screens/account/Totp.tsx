// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent } from "react";
import { ActionGroup, Alert, Button, Content, Flex, Form, FormGroup, Modal, ModalBody, ModalHeader, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Me } from "#/api/types";
import { useAskAgain } from "#/api/useGet";
import { toast } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { Block } from "./Account";
import { text } from "./text";
import { TotpSetup } from "./TotpSetup";

function Drop({ onClose }: { onClose: () => void }) {
	const t = useText(text);
	const askAgain = useAskAgain();
	const [code, setCode] = useState("");
	const [wrong, setWrong] = useState(false);
	async function submit(event: FormEvent) {
		event.preventDefault();
		try {
			await api.delete("/me/totp", { body: { code: code.replace(/\s/g, "") } });
			toast("success", t("totp.dropped"));
			askAgain("/me");
			onClose();
		} catch {
			setWrong(true);
			setCode("");
		}
	}
	return (
		<Modal isOpen variant="small" onClose={onClose} aria-labelledby="drop-title">
			<ModalHeader title={t("totp.drop")} labelId="drop-title" titleIconVariant="warning" description={t("totp.drop.text")} />
			<ModalBody>
				<Form onSubmit={submit}>
					{wrong && <Alert component="h2" variant="danger" isInline isLiveRegion title={t("totp.wrong")} />}
					<FormGroup label={t("totp.code")} fieldId="drop-code">
						<TextInput id="drop-code" value={code} onChange={(_, value) => setCode(value)} autoComplete="one-time-code" autoFocus />
					</FormGroup>
					<ActionGroup>
						<Button type="submit" variant="danger" isDisabled={!code.trim()}>
							{t("totp.drop")}
						</Button>
					</ActionGroup>
				</Form>
			</ModalBody>
		</Modal>
	);
}

export function Totp({ me }: { me: Me }) {
	const t = useText(text);
	const askAgain = useAskAgain();
	const [does, setDoes] = useState<"" | "setUp" | "drop">("");
	const isOn = me.totp === "on";
	const done = () => {
		setDoes("");
		askAgain("/me");
	};
	return (
		<Block title={t("totp")}>
			{does === "setUp" ? (
				<TotpSetup onDone={done} />
			) : (
				<>
					<Content component="p">{isOn ? t("totp.on") : t("totp.off")}</Content>
					{isOn && me.recoveryCodesLeft !== undefined && <Content component="p">{t("totp.left", { n: me.recoveryCodesLeft })}</Content>}
					{isOn && me.totpDemanded && <Content component="p">{t("totp.demanded")}</Content>}
					<Flex>
						<Button variant="secondary" onClick={() => setDoes("setUp")}>
							{isOn ? t("totp.renew") : t("totp.begin")}
						</Button>
						{isOn && !me.totpDemanded && (
							<Button variant="link" isDanger onClick={() => setDoes("drop")}>
								{t("totp.drop")}
							</Button>
						)}
					</Flex>
				</>
			)}
			{does === "drop" && <Drop onClose={() => setDoes("")} />}
		</Block>
	);
}
