// SPDX-License-Identifier: GPL-3.0-or-later
// The frame a mail's HTML is shown in. It has this page's origin so that it can be measured and its links watched from
// here, and no way to run anything: there is no allow-scripts, and there must never be both.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Button } from "@patternfly/react-core";
import ShieldAltIcon from "@patternfly/react-icons/dist/esm/icons/shield-alt-icon";
import { api } from "#/api/client";
import type { Part } from "#/api/types";
import { pressed } from "#/app/keys";
import { useText } from "#/i18n/catalogue";
import { ConfirmWord } from "#/parts/ConfirmWord";
import type { Finder } from "#/parts/Marked";
import { destination, safeHtml } from "./safeHtml";
import { text } from "./text";

const HEIGHT_MAX = 60_000;

/* Fetches the parts that stand in the text, and gives the images their sources. */
function useInlineImages(frame: HTMLIFrameElement | null, ready: number, id: string, parts: readonly Part[]): void {
	useEffect(() => {
		const document = frame?.contentDocument;
		if (!document || ready === 0) return;
		const stop = new AbortController();
		const urls: string[] = [];
		const waiting = new Map<string, HTMLImageElement[]>();
		for (const image of Array.from(document.querySelectorAll<HTMLImageElement>("img[data-cid]"))) {
			const cid = image.getAttribute("data-cid") ?? "";
			waiting.set(cid, [...(waiting.get(cid) ?? []), image]);
		}
		async function load() {
			for (const [cid, images] of waiting) {
				const part = parts.find((one) => one.contentId === cid && one.shown === "image");
				if (!part || stop.signal.aborted) continue;
				try {
					const blob = await api.blob("/mails/{id}/parts/{part}", { path: { id, part: part.part }, query: { inline: true }, signal: stop.signal });
					const url = URL.createObjectURL(new Blob([blob], { type: part.type }));
					urls.push(url);
					for (const image of images) image.src = url;
				} catch {
					// The frame around the picture and its words stay.
				}
			}
		}
		void load();
		return () => {
			stop.abort();
			urls.forEach((url) => URL.revokeObjectURL(url));
		};
	}, [frame, ready, id, parts]);
}

interface Props {
	id: string;
	html: string;
	parts: readonly Part[];
	find: Finder;
}

export function HtmlFrame({ id, html, parts, find }: Props) {
	const t = useText(text);
	const [remote, setRemote] = useState(false);
	const [frame, setFrame] = useState<HTMLIFrameElement | null>(null);
	const [ready, setReady] = useState(0);
	const [goesTo, setGoesTo] = useState("");
	const [doubtful, setDoubtful] = useState("");
	const width = useRef(0);
	const safe = useMemo(() => safeHtml(html, { remote, find }), [html, remote, find]);
	useInlineImages(frame, ready, id, parts);

	const measure = useCallback(() => {
		const root = frame?.contentDocument?.documentElement;
		if (!frame || !root) return;
		frame.style.height = "80px";
		frame.style.height = `${Math.min(HEIGHT_MAX, Math.max(80, root.scrollHeight + (root.scrollWidth > root.clientWidth ? 18 : 0)))}px`;
	}, [frame]);

	const loaded = useCallback(() => {
		const document = frame?.contentDocument;
		if (!document) return;
		measure();
		setReady((n) => n + 1);
		// Events of images do not bubble; they are caught on their way down.
		document.addEventListener("load", measure, true);
		document.addEventListener("error", measure, true);
		document.addEventListener("keydown", pressed);
		const linkOf = (event: Event) => (event.target as Element | null)?.closest?.("a[href]") ?? null;
		const show = (event: Event) => {
			const link = linkOf(event);
			const href = link?.getAttribute("href") ?? "";
			setGoesTo(href.startsWith("#") ? "" : href);
		};
		for (const kind of ["mouseover", "mouseout", "focusin", "focusout"])
			document.addEventListener(kind, kind.endsWith("out") ? () => setGoesTo("") : show);
		document.addEventListener("click", (event) => {
			const link = linkOf(event);
			const href = link?.getAttribute("href") ?? "";
			if (!link || href.startsWith("#") || !destination(href, link.textContent ?? "").isDoubtful) return;
			event.preventDefault();
			setDoubtful(href);
		});
	}, [frame, measure]);

	useEffect(() => {
		if (!frame) return;
		const observer = new ResizeObserver(() => {
			if (width.current === frame.clientWidth) return;
			width.current = frame.clientWidth;
			measure();
		});
		observer.observe(frame);
		return () => observer.disconnect();
	}, [frame, measure]);

	return (
		<div className="sp-html">
			{safe.remote > 0 && !remote && (
				<div className="sp-remote sp-not-printed" role="note">
					<ShieldAltIcon aria-hidden />
					<strong>{t("remote.title")}.</strong>
					<span>{t("remote.text", { n: safe.remote })}</span>
					<Button variant="link" isInline onClick={() => setRemote(true)}>
						{t("remote.load")}
					</Button>
				</div>
			)}
			<iframe
				ref={setFrame}
				title={t("html.frame")}
				sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
				referrerPolicy="no-referrer"
				srcDoc={safe.document}
				onLoad={loaded}
				className="sp-frame"
			/>
			{goesTo && (
				<div className="sp-goes-to" role="status">
					{t("link.goes", { address: goesTo })}
				</div>
			)}
			{doubtful && (
				<ConfirmWord
					title={t("link.doubtful")}
					action={t("link.open")}
					onConfirm={async () => void window.open(doubtful, "_blank", "noopener,noreferrer")}
					onClose={() => setDoubtful("")}
				>
					<p>{t("link.doubtful.text")}</p>
					<p className="sp-address">{doubtful}</p>
					<p>
						<strong>{destination(doubtful, "").host}</strong>
					</p>
				</ConfirmWord>
			)}
		</div>
	);
}
