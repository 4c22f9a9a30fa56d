// SPDX-License-Identifier: GPL-3.0-or-later
import { Modal, ModalBody, ModalHeader } from "@patternfly/react-core";
import { useText } from "#/i18n/catalogue";
import { useAllKeys } from "./keys";
import { text } from "./text";

export function KeyHelp({ onClose }: { onClose: () => void }) {
	const t = useText(text);
	const uses = useAllKeys();
	const name = (key: string) =>
		key === "Enter" || key === "Escape" || key === "ArrowDown" || key === "ArrowUp" ? t(`key.${key}`) : key;
	return (
		<Modal isOpen variant="small" onClose={onClose} aria-labelledby="keys-title">
			<ModalHeader title={t("keys.title")} labelId="keys-title" />
			<ModalBody>
				<dl className="sp-keys">
					{uses.map((use) => (
						<div key={use.key}>
							<dt>
								<kbd>{name(use.key)}</kbd>
							</dt>
							<dd>{use.text}</dd>
						</div>
					))}
				</dl>
			</ModalBody>
		</Modal>
	);
}
