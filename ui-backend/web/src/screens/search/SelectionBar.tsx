// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type ReactNode } from "react";
import { Button } from "@patternfly/react-core";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import EnvelopeIcon from "@patternfly/react-icons/dist/esm/icons/envelope-icon";
import LockIcon from "@patternfly/react-icons/dist/esm/icons/lock-icon";
import TagIcon from "@patternfly/react-icons/dist/esm/icons/tag-icon";
import TrashIcon from "@patternfly/react-icons/dist/esm/icons/trash-icon";
import { useMay, usePerson } from "#/app/session";
import { useText } from "#/i18n/catalogue";
import { Choose, type Choice } from "./Choose";
import { DeedDialog, useExport, type Chosen, type Deed } from "./deeds";
import { text } from "./text";

interface Props {
	chosen: Chosen;
	isEvery: boolean;
	/* How many the search finds, where that is more than are selected. */
	hits: number | undefined;
	onEvery: () => void;
	onNone: () => void;
}

export function SelectionBar({ chosen, isEvery, hits, onEvery, onNone }: Props) {
	const t = useText(text);
	const may = useMay();
	const { deletion } = usePerson();
	const exportThem = useExport();
	const [deed, setDeed] = useState<Deed | null>(null);

	const downloads: Choice[] = [
		{ text: t("do.zip"), run: () => exportThem(chosen, "zip") },
		{ text: t("do.mbox"), run: () => exportThem(chosen, "mbox") },
	];
	if (may("EVIDENCE")) downloads.push({ text: t("do.evidence"), run: () => exportThem(chosen, "zip", true) });
	const button = (what: Deed, name: string, icon: ReactNode, danger = false) => (
		<Button variant="secondary" size="sm" isDanger={danger} icon={icon} aria-label={name} onClick={() => setDeed(what)}>
			<span className="sp-wide-only">{name}</span>
		</Button>
	);

	return (
		<div className="sp-selection" role="region" aria-label={t("select.count", { n: chosen.n })}>
			<strong className="sp-nowrap" aria-live="polite">
				{isEvery ? t("select.every", { n: chosen.n }) : t("select.count", { n: chosen.n })}
			</strong>
			{!isEvery && hits !== undefined && hits > chosen.n && (
				<Button variant="link" isInline onClick={onEvery}>
					{t("select.hits", { n: hits })}
				</Button>
			)}
			<span className="sp-selection-deeds">
				{may("EXPORT") && <Choose text={t("do.download")} icon={<DownloadIcon />} choices={downloads} shrinks />}
				{may("SEND") && button("send", t("do.send"), <EnvelopeIcon />)}
				{may("NOTE") && button("category", t("do.category"), <TagIcon />)}
				{may("HOLD") && button("hold", t("do.hold"), <LockIcon />)}
				{may("REQUEST") && deletion !== "off" && button("delete", t("do.delete"), <TrashIcon />, true)}
				<Button variant="link" size="sm" onClick={onNone}>
					{t("select.none")}
				</Button>
			</span>
			{deed && <DeedDialog deed={deed} chosen={chosen} onClose={() => setDeed(null)} onDone={onNone} />}
		</div>
	);
}
