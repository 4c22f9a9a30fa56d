// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent, type ReactNode } from "react";
import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { text } from "./text";

interface Props {
	title: string;
	children: ReactNode;
	isReady?: boolean;
	onSave: () => Promise<unknown>;
	onClose: () => void;
}

/* A form over the page. It closes when what it says was kept. */
export function Sheet({ title, children, isReady = true, onSave, onClose }: Props) {
	const t = useText(text);
	const [busy, setBusy] = useState(false);

	async function submit(event: FormEvent) {
		event.preventDefault();
		if (!isReady || busy) return;
		setBusy(true);
		try {
			await onSave();
			toast("success", t("saved"));
			onClose();
		} catch (reason) {
			toastProblem(reason);
		} finally {
			setBusy(false);
		}
	}

	return (
		<Modal isOpen variant="medium" onClose={onClose} aria-labelledby="sheet-title">
			<ModalHeader title={title} labelId="sheet-title" />
			<ModalBody>
				<Form id="sheet" onSubmit={submit}>
					{children}
				</Form>
			</ModalBody>
			<ModalFooter>
				<Button type="submit" form="sheet" isDisabled={!isReady} isLoading={busy}>
					{t("save")}
				</Button>
				<Button variant="link" onClick={onClose}>
					{t("cancel")}
				</Button>
			</ModalFooter>
		</Modal>
	);
}
