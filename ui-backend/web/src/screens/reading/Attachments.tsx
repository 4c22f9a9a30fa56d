// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { Button, Modal, ModalBody, ModalHeader } from "@patternfly/react-core";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import FileIcon from "@patternfly/react-icons/dist/esm/icons/file-icon";
import FileImageIcon from "@patternfly/react-icons/dist/esm/icons/file-image-icon";
import FilePdfIcon from "@patternfly/react-icons/dist/esm/icons/file-pdf-icon";
import { address, download } from "#/api/client";
import type { Part } from "#/api/types";
import { useText } from "#/i18n/catalogue";
import { size } from "#/i18n/format";
import { plain } from "#/parts/mailText";
import { text } from "./text";

const FIRST = 12;
const ICONS = { image: FileImageIcon, pdf: FilePdfIcon, no: FileIcon };

function Viewer({ id, part, name, onClose }: { id: string; part: Part; name: string; onClose: () => void }) {
	const t = useText(text);
	const at = address("/mails/{id}/parts/{part}", { path: { id, part: part.part }, query: { inline: true } });
	return (
		<Modal isOpen variant="large" onClose={onClose} aria-labelledby="viewer-title" className="sp-viewer">
			<ModalHeader title={name} labelId="viewer-title" />
			<ModalBody>
				{part.shown === "image" ? <img src={at} alt={name} /> : <iframe src={at} title={name} />}
				<p className="sp-gap-above">
					<a href={at} target="_blank" rel="noopener noreferrer">
						{t("parts.tab")}
					</a>
				</p>
			</ModalBody>
		</Modal>
	);
}

export function Attachments({ id, parts, mayDownload }: { id: string; parts: readonly Part[]; mayDownload: boolean }) {
	const t = useText(text);
	const [all, setAll] = useState(false);
	const [viewed, setViewed] = useState<Part | null>(null);
	const files = parts.filter((part) => !part.inline);
	const nameOf = (part: Part) => plain(part.name ?? "") || t("parts.nameless", { n: part.part });
	if (files.length === 0) return null;
	return (
		<section className="sp-parts" aria-label={t("parts")}>
			<ul>
				{(all ? files : files.slice(0, FIRST)).map((part) => {
					const Icon = ICONS[part.shown];
					const save = () => download("/mails/{id}/parts/{part}", { path: { id, part: part.part } });
					return (
						<li key={part.part} className="sp-part">
							<button
								type="button"
								className="sp-part-open"
								disabled={!mayDownload}
								title={plain(part.type)}
								onClick={part.shown === "no" ? save : () => setViewed(part)}
							>
								<Icon className={`sp-part-${part.shown}`} />
								<span className="sp-part-name">
									<bdi>{nameOf(part)}</bdi>
								</span>
								<span className="sp-quiet sp-nowrap">{size(part.size)}</span>
							</button>
							{mayDownload && (
								<Button variant="plain" size="sm" icon={<DownloadIcon />} aria-label={t("parts.download", { name: nameOf(part) })} onClick={save} />
							)}
						</li>
					);
				})}
			</ul>
			{!all && files.length > FIRST && (
				<Button variant="link" isInline onClick={() => setAll(true)}>
					{t("parts.all", { n: files.length })}
				</Button>
			)}
			{viewed && <Viewer id={id} part={viewed} name={nameOf(viewed)} onClose={() => setViewed(null)} />}
		</section>
	);
}
