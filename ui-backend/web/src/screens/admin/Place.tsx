// SPDX-License-Identifier: GPL-3.0-or-later
// The form for a place on a share or a disk: of a medium, or of the mirror.
import { useState } from "react";
import { Alert, Button, Checkbox, FormGroup, FormHelperText, HelperText, HelperTextItem, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { MediumOrder } from "#/api/types";
import { toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { Sheet } from "./Sheet";
import { text } from "./storageText";

interface Props {
	title: string;
	/* A medium may be where new mail goes. */
	mayActivate?: boolean;
	onSave: (order: MediumOrder) => Promise<unknown>;
	onClose: () => void;
}

export function Place({ title, mayActivate = false, onSave, onClose }: Props) {
	const t = useText(text);
	const [form, setForm] = useState({ location: "", user: "", domain: "", password: "", activate: mayActivate });
	const [found, setFound] = useState<{ ok: boolean; text: string } | null>(null);
	const [busy, setBusy] = useState(false);
	const order = (): MediumOrder => ({
		location: form.location.trim(),
		...(form.user ? { user: form.user.trim() } : {}),
		...(form.domain ? { domain: form.domain.trim() } : {}),
		...(form.password ? { password: form.password } : {}),
		...(mayActivate ? { activate: form.activate } : {}),
	});
	const test = async () => {
		setBusy(true);
		setFound(null);
		try {
			setFound(await api.post("/admin/media/test", { body: order() }));
		} catch (reason) {
			toastProblem(reason);
		} finally {
			setBusy(false);
		}
	};
	const fields = [
		["user", t("media.user"), "text"],
		["domain", t("media.domain"), "text"],
		["password", t("media.password"), "password"],
	] as const;
	return (
		<Sheet title={title} isReady={form.location.trim() !== ""} onSave={() => onSave(order())} onClose={onClose}>
			<FormGroup label={t("media.location")} fieldId="place-location" isRequired>
				<TextInput id="place-location" value={form.location} onChange={(_, location) => setForm({ ...form, location })} maxLength={1024} isRequired autoComplete="off" />
				<FormHelperText>
					<HelperText>
						<HelperTextItem>{t("media.location.text")}</HelperTextItem>
					</HelperText>
				</FormHelperText>
			</FormGroup>
			{form.location.startsWith("smb:") &&
				fields.map(([name, label, type]) => (
					<FormGroup key={name} label={label} fieldId={`place-${name}`}>
						<TextInput id={`place-${name}`} type={type} value={form[name]} onChange={(_, value) => setForm({ ...form, [name]: value })} autoComplete={type === "password" ? "new-password" : "off"} />
					</FormGroup>
				))}
			{mayActivate && <Checkbox id="place-activate" label={t("media.activate")} isChecked={form.activate} onChange={(_, activate) => setForm({ ...form, activate })} />}
			<div>
				<Button variant="secondary" onClick={() => void test()} isLoading={busy} isDisabled={!form.location.trim()}>
					{t("test")}
				</Button>
			</div>
			{found && (
				<Alert component="h2" isInline isLiveRegion variant={found.ok ? "success" : "danger"} title={t(found.ok ? "works" : "fails")}>
					{found.text}
				</Alert>
			)}
		</Sheet>
	);
}
