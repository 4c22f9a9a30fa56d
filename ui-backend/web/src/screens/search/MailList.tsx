// SPDX-License-Identifier: GPL-3.0-or-later
// The mails found, one line each, as mail programs show them. Also shows conversations and requests for deletion.
import { memo, type ReactNode } from "react";
import { Checkbox, Label, Tooltip } from "@patternfly/react-core";
import BanIcon from "@patternfly/react-icons/dist/esm/icons/ban-icon";
import FlagIcon from "@patternfly/react-icons/dist/esm/icons/flag-icon";
import LockIcon from "@patternfly/react-icons/dist/esm/icons/lock-icon";
import PaperclipIcon from "@patternfly/react-icons/dist/esm/icons/paperclip-icon";
import StickyNoteIcon from "@patternfly/react-icons/dist/esm/icons/sticky-note-icon";
import TrashIcon from "@patternfly/react-icons/dist/esm/icons/trash-icon";
import type { MailRow } from "#/api/types";
import { Link } from "#/app/router";
import { useText } from "#/i18n/catalogue";
import { exactTime, listDate, size } from "#/i18n/format";
import { Marked, type Finder } from "#/parts/Marked";
import { personOf, plain, shortName } from "#/parts/mailText";
import { text } from "./text";
import "./list.css";

function Mark({ name, kind, children }: { name: string; kind?: string; children: ReactNode }) {
	return (
		<Tooltip content={name} aria="none">
			<span className={`sp-mark ${kind ? `sp-mark-${kind}` : ""}`} role="img" aria-label={name}>
				{children}
			</span>
		</Tooltip>
	);
}

export function Marks({ mail }: { mail: MailRow }) {
	const t = useText(text);
	const has = (mark: MailRow["marks"][number]) => mail.marks.includes(mark);
	return (
		<>
			{has("spam") && <Mark name={t("mark.spam")} kind="warn"><BanIcon /></Mark>}
			{has("flagged") && <Mark name={t("mark.flagged")} kind="flag"><FlagIcon /></Mark>}
			{has("hold") && <Mark name={t("mark.hold")}><LockIcon /></Mark>}
			{has("deletionRequested") && <Mark name={t("mark.deletionRequested")} kind="warn"><TrashIcon /></Mark>}
			{mail.hasNote && <Mark name={t("mark.note")} kind="note"><StickyNoteIcon /></Mark>}
			{(has("attachment") || mail.attachments > 0) && (
				<Mark name={t("mark.attachment", { n: mail.attachments || 1 })}><PaperclipIcon /></Mark>
			)}
		</>
	);
}

interface RowProps {
	mail: MailRow;
	find: Finder;
	query: string;
	/* Where j and k have come to. */
	isCurrent: boolean;
	isSelected?: boolean;
	onSelect?: ((id: string, on: boolean, range: boolean) => void) | undefined;
	onVisit?: ((id: string) => void) | undefined;
}

export const Row = memo(function Row({ mail, find, query, isCurrent, isSelected = false, onSelect, onVisit }: RowProps) {
	const t = useText(text);
	const from = personOf(mail.from);
	const to = mail.to.map(personOf);
	const subject = plain(mail.subject).trim();
	const recipients = to.map(shortName).join(", ");
	return (
		<li className="sp-row" data-selected={isSelected || undefined} data-current={isCurrent || undefined}>
			{onSelect && (
				<span className="sp-row-check">
					<Checkbox
						id={`select-${mail.id}`}
						aria-label={t("row.select", { subject: subject || t("row.subject.none") })}
						isChecked={isSelected}
						onChange={() => {}}
						onClick={(event) => onSelect(mail.id, !isSelected, event.shiftKey)}
					/>
				</span>
			)}
			<Link
				to={`/mail/${mail.id}`}
				query={{ q: query }}
				className="sp-row-link"
				id={`mail-${mail.id}`}
				aria-current={isCurrent || undefined}
				onFocus={() => onVisit?.(mail.id)}
			>
				<span className="sp-row-from" title={mail.from ? plain(mail.from) : undefined}>
					{from.address || from.name ? <Marked text={shortName(from)} field="from" find={find} /> : t("row.from.unknown")}
				</span>
				<span className="sp-row-to" title={mail.to.map(plain).join("\n")}>
					{recipients && <span className="sp-row-arrow" aria-hidden>→ </span>}
					<Marked text={recipients} field="to" find={find} />
					{mail.toMore ? <span className="sp-quiet"> {t("row.more", { n: mail.toMore })}</span> : null}
				</span>
				<span className="sp-row-subject">
					<span className="sp-row-words">
						{mail.categories.map((name) => (
							<Label key={name} isCompact color="blue" className="sp-row-category">
								{plain(name)}
							</Label>
						))}
						{subject ? <Marked text={subject} field="subject" find={find} /> : <em className="sp-quiet">{t("row.subject.none")}</em>}
					</span>
					{mail.source !== undefined && mail.medium !== undefined && (
						<span className="sp-row-source">{t("row.source", { source: plain(mail.source), medium: String(mail.medium) })}</span>
					)}
				</span>
			</Link>
			<span className="sp-row-marks">
				<Marks mail={mail} />
			</span>
			<span className="sp-row-size">{size(mail.size)}</span>
			<time className="sp-row-date" dateTime={mail.sent} title={exactTime(mail.sent)}>
				{listDate(mail.sent)}
			</time>
		</li>
	);
});
