// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent, type ReactNode } from "react";
import { Button, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, TextInput } from "@patternfly/react-core";
import { useText } from "#/i18n/catalogue";
import { toastProblem } from "#/app/toasts";
import { text } from "./text";

interface Props {
	title: string;
	/* What will happen, in words. */
	children: ReactNode;
	/* To be typed; without one a click is enough. */
	word?: string;
	action: string;
	danger?: boolean;
	onConfirm: (word: string) => Promise<unknown>;
	onClose: () => void;
}

/* Says what will be done, and asks for the word. Closes when it was done. */
export function ConfirmWord({ title, children, word, action, danger = true, onConfirm, onClose }: Props) {
	const t = useText(text);
	const [typed, setTyped] = useState("");
	const [busy, setBusy] = useState(false);
	const ready = !word || typed.trim() === word;

	async function submit(event: FormEvent) {
		event.preventDefault();
		if (!ready || busy) return;
		setBusy(true);
		try {
			await onConfirm(typed.trim());
			onClose();
		} catch (reason) {
			toastProblem(reason);
		} finally {
			setBusy(false);
		}
	}

	return (
		<Modal isOpen variant="small" onClose={onClose} aria-labelledby="confirm-title" aria-describedby="confirm-body">
			<ModalHeader title={title} labelId="confirm-title" {...(danger ? { titleIconVariant: "warning" as const } : {})} />
			<ModalBody id="confirm-body">
				{children}
				<Form id="confirm-form" onSubmit={submit} className={word ? "sp-gap-above" : ""}>
					{word && (
						<FormGroup label={t("confirm.type", { word })} fieldId="confirm-word">
							<TextInput id="confirm-word" value={typed} onChange={(_, value) => setTyped(value)} autoComplete="off" autoFocus />
						</FormGroup>
					)}
				</Form>
			</ModalBody>
			<ModalFooter>
				<Button type="submit" form="confirm-form" variant={danger ? "danger" : "primary"} isDisabled={!ready} isLoading={busy}>
					{action}
				</Button>
				<Button variant="link" onClick={onClose}>
					{t("cancel")}
				</Button>
			</ModalFooter>
		</Modal>
	);
}
