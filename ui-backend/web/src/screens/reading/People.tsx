// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { Button, Label } from "@patternfly/react-core";
import type { Mail, Mailbox } from "#/api/types";
import { useText } from "#/i18n/catalogue";
import { Marked, type Finder } from "#/parts/Marked";
import { domainOf, looksAlike, plain } from "#/parts/mailText";
import { text } from "./text";

const FIRST = 4;
const STEP = 500;

export function One({ box, field, find, full = false }: { box: Mailbox; field: string; find: Finder; full?: boolean }) {
	const t = useText(text);
	const name = plain(box.name ?? "").trim();
	const address = plain(box.address);
	const pretends = name.includes("@") && name.toLowerCase() !== address.toLowerCase();
	return (
		<span className="sp-one" title={address}>
			{name && !pretends ? <Marked text={name} field={field} find={find} /> : null}
			{full && name && !pretends ? " " : null}
			{(full || !name || pretends) && (
				<span className={name && !pretends ? "sp-quiet" : ""}>
					{name && !pretends ? "<" : ""}
					<Marked text={address} field={field} find={find} />
					{name && !pretends ? ">" : ""}
				</span>
			)}
			{looksAlike(domainOf(address)) && (
				<Label isCompact color="orange" className="sp-alike">
					{t("people.alike")}
				</Label>
			)}
		</span>
	);
}

function List({ label, boxes, field, find }: { label: string; boxes: readonly Mailbox[]; field: string; find: Finder }) {
	const t = useText(text);
	const [shown, setShown] = useState(FIRST);
	if (boxes.length === 0) return null;
	const full = shown > FIRST;
	return (
		<div className="sp-people">
			<span className="sp-people-label">{label}</span>
			<span>
				{boxes.slice(0, shown).map((box, i) => (
					<span key={`${i} ${box.address}`}>
						{i > 0 && ", "}
						<One box={box} field={field} find={find} full={full} />
					</span>
				))}
				{boxes.length > shown && (
					<>
						{" "}
						<Button variant="link" isInline onClick={() => setShown(shown === FIRST ? STEP : shown + STEP)}>
							{t("people.more", { n: boxes.length - shown })}
						</Button>
					</>
				)}
			</span>
		</div>
	);
}

export function People({ mail, find }: { mail: Mail; find: Finder }) {
	const t = useText(text);
	return (
		<>
			<List label={t("people.to")} boxes={mail.recipients.to} field="to" find={find} />
			<List label={t("people.cc")} boxes={mail.recipients.cc} field="cc" find={find} />
			<List label={t("people.bcc")} boxes={mail.recipients.bcc} field="bcc" find={find} />
		</>
	);
}
