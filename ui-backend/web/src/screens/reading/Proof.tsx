// SPDX-License-Identifier: GPL-3.0-or-later
// What is known of a mail's past: is it what came, since when, and by which ways.
import { useState } from "react";
import { Alert, Button, ClipboardCopy } from "@patternfly/react-core";
import { useQueryClient } from "@tanstack/react-query";
import { api, download } from "#/api/client";
import type { Integrity, Mail } from "#/api/types";
import { useMay } from "#/app/session";
import { toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { dateTime, exactTime } from "#/i18n/format";
import { text as partsText } from "#/parts/text";
import { plain } from "#/parts/mailText";
import { text } from "./text";

const VARIANTS = { proved: "success", unproved: "info", damaged: "danger", offline: "warning" } as const;

export function Proof({ mail }: { mail: Mail }) {
	const t = useText(text);
	const parts = useText(partsText);
	const may = useMay();
	const client = useQueryClient();
	const [busy, setBusy] = useState(false);
	const [verified, setVerified] = useState<Integrity | null>(null);
	const integrity = verified ?? mail.integrity;

	async function verify() {
		setBusy(true);
		try {
			setVerified(await api.post("/mails/{id}/verify", { path: { id: mail.id } }));
			void client.invalidateQueries({ queryKey: ["/mails/{id}"], refetchType: "none" });
		} catch (reason) {
			toastProblem(reason);
		} finally {
			setBusy(false);
		}
	}

	const sentence = {
		proved: integrity.stamped
			? t("proof.proved", { time: dateTime(integrity.stamped), authority: integrity.authority ? plain(integrity.authority) : t("proof.authority") })
			: t("proof.proved.plain"),
		unproved: t("proof.unproved"),
		damaged: t("proof.damaged"),
		offline: t("proof.offline"),
	}[integrity.state];

	return (
		<>
			<Alert
				component="h2"
				variant={VARIANTS[integrity.state]}
				isInline
				isPlain
				isLiveRegion
				title={verified ? t(`proof.now.${integrity.state}`) : t(`proof.${integrity.state}.title`)}
			>
				{sentence}
			</Alert>
			{integrity.sha256 && (
				<details className="sp-details">
					<summary>{t("proof.hash")}</summary>
					<ClipboardCopy isReadOnly hoverTip={parts("copy")} clickTip={parts("copied")} textAriaLabel="SHA-256" className="sp-hash">
						{integrity.sha256}
					</ClipboardCopy>
				</details>
			)}
			<div className="sp-deeds sp-not-printed">
				<Button variant="secondary" size="sm" isLoading={busy} onClick={() => void verify()}>
					{t("proof.verify")}
				</Button>
				{may("EVIDENCE") && (
					<Button variant="link" size="sm" onClick={() => download("/mails/{id}/proof", { path: { id: mail.id } })}>
						{t("proof.download")}
					</Button>
				)}
			</div>
		</>
	);
}

export function Dates({ mail }: { mail: Mail }) {
	const t = useText(text);
	const rows = [
		[t("date.sent"), mail.sent],
		[t("date.received"), mail.received],
		[t("date.archived"), mail.archived],
	] as const;
	return (
		<dl className="sp-dates">
			{rows.map(
				([name, time]) =>
					time && (
						<div key={name}>
							<dt>{name}</dt>
							<dd>
								<time dateTime={time} title={exactTime(time)}>
									{dateTime(time)}
								</time>
							</dd>
						</div>
					),
			)}
		</dl>
	);
}

const WAYS = { milter: "way.milter", smtp: "way.smtp", journal: "way.journal", fetch: "way.fetch", import: "way.import", upload: "way.upload" } as const;

export function Ways({ mail }: { mail: Mail }) {
	const t = useText(text);
	return (
		<ul className="sp-ways">
			{mail.ways.map((way, i) => {
				const known = WAYS[way.way as keyof typeof WAYS];
				const place = [way.source, way.place].filter(Boolean).map((one) => plain(one ?? "")).join(" · ");
				return (
					<li key={i}>
						<strong>{known ? t(known) : way.way}</strong> <span className="sp-quiet">{dateTime(way.time)}</span>
						{place && <div className="sp-quiet">{place}</div>}
						{way.envelopeFrom && <div>{t("way.from", { address: plain(way.envelopeFrom) })}</div>}
						{way.envelopeTo && way.envelopeTo.length > 0 && (
							<div className="sp-way-to">{t("way.to", { list: way.envelopeTo.slice(0, 200).map(plain).join(", ") })}</div>
						)}
					</li>
				);
			})}
		</ul>
	);
}
