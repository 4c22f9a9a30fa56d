// SPDX-License-Identifier: GPL-3.0-or-later
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Alert, Button, Content, Tab, Tabs, TabTitleText } from "@patternfly/react-core";
import AngleLeftIcon from "@patternfly/react-icons/dist/esm/icons/angle-left-icon";
import AngleRightIcon from "@patternfly/react-icons/dist/esm/icons/angle-right-icon";
import ArrowLeftIcon from "@patternfly/react-icons/dist/esm/icons/arrow-left-icon";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import EllipsisVIcon from "@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon";
import EnvelopeIcon from "@patternfly/react-icons/dist/esm/icons/envelope-icon";
import LockIcon from "@patternfly/react-icons/dist/esm/icons/lock-icon";
import PrintIcon from "@patternfly/react-icons/dist/esm/icons/print-icon";
import TrashIcon from "@patternfly/react-icons/dist/esm/icons/trash-icon";
import { useQuery } from "@tanstack/react-query";
import { api, download } from "#/api/client";
import type { Problem } from "#/api/problem";
import type { Mail } from "#/api/types";
import { useGet } from "#/api/useGet";
import { useKeys } from "#/app/keys";
import { href, navigate, usePlace } from "#/app/router";
import type { ScreenProps } from "#/app/routes";
import { useMay, usePerson } from "#/app/session";
import { useText } from "#/i18n/catalogue";
import { dateTime, exactTime, size } from "#/i18n/format";
import { Marked, useFinder, type Finder } from "#/parts/Marked";
import { personOf, plain, shortName } from "#/parts/mailText";
import { Asked } from "#/parts/States";
import { Choose, type Choice } from "#/screens/search/Choose";
import { DeedDialog, type Deed } from "#/screens/search/deeds";
import { Row } from "#/screens/search/MailList";
import { Attachments } from "./Attachments";
import { HtmlFrame } from "./HtmlFrame";
import { Notes } from "./Notes";
import { One, People } from "./People";
import { PlainText } from "./PlainText";
import { Dates, Proof, Ways } from "./Proof";
import { text } from "./text";
import "./reading.css";

type View = "html" | "text" | "headers" | "source";

function Source({ id }: { id: string }) {
	const t = useText(text);
	const asked = useQuery<string, Problem>({
		queryKey: ["/mails/{id}/source", id],
		queryFn: ({ signal }) => api.text("/mails/{id}/source", { path: { id }, signal }),
	});
	return (
		<Asked of={asked}>
			{(source) => (
				<>
					<Content component="small">{t("view.source.part")}</Content>
					<pre className="sp-source">{source}</pre>
				</>
			)}
		</Asked>
	);
}

function Headers({ mail }: { mail: Mail }) {
	const t = useText(text);
	return (
		<table className="sp-headers">
			<thead className="sp-only-read">
				<tr>
					<th scope="col">{t("header.name")}</th>
					<th scope="col">{t("header.value")}</th>
				</tr>
			</thead>
			<tbody>
				{mail.headers.map((header, i) => (
					<tr key={i}>
						<th scope="row">{plain(header.name)}</th>
						<td>
							<bdi>{plain(header.value)}</bdi>
						</td>
					</tr>
				))}
			</tbody>
		</table>
	);
}

function Body({ mail, find }: { mail: Mail; find: Finder }) {
	const t = useText(text);
	const [view, setView] = useState<View>(mail.html ? "html" : "text");
	const views: View[] = [...(mail.html ? (["html"] as const) : []), ...(mail.text || !mail.html ? (["text"] as const) : []), "headers", "source"];
	return (
		<>
			<Tabs activeKey={view} onSelect={(_, key) => setView(key as View)} aria-label={t("view")} className="sp-views sp-not-printed">
				{views.map((one) => (
					<Tab key={one} eventKey={one} title={<TabTitleText>{t(`view.${one}`)}</TabTitleText>} tabContentId="mail-view" />
				))}
			</Tabs>
			<div id="mail-view" role="tabpanel" aria-label={t(`view.${view}`)} className="sp-view">
				{mail.truncated && (view === "html" || view === "text") && <Alert component="h2" variant="info" isInline title={t("view.truncated")} />}
				{view === "html" && <HtmlFrame id={mail.id} html={mail.html ?? ""} parts={mail.parts} find={find} />}
				{view === "text" && (mail.text?.trim() ? <PlainText text={mail.text} find={find} /> : <p className="sp-quiet">{t("view.empty")}</p>)}
				{view === "headers" && <Headers mail={mail} />}
				{view === "source" && <Source id={mail.id} />}
			</div>
		</>
	);
}

function Side({ title, children, open = true }: { title: string; children: ReactNode; open?: boolean }) {
	return (
		<details className="sp-side" open={open}>
			<summary>
				<h2>{title}</h2>
			</summary>
			<div className="sp-side-body">{children}</div>
		</details>
	);
}

function Thread({ mail, query, find }: { mail: Mail; query: string; find: Finder }) {
	const t = useText(text);
	const asked = useGet("/mails/{id}/thread", { path: { id: mail.id } });
	const mails = asked.data?.mails ?? [];
	if (mails.length < 2) return null;
	return (
		<section className="sp-thread sp-not-printed" aria-label={t("side.thread")}>
			<h2>{t("side.thread")}</h2>
			<ul className="sp-rows">
				{mails.map((one) => (
					<Row key={one.id} mail={one} find={find} query={query} isCurrent={one.id === mail.id} />
				))}
			</ul>
		</section>
	);
}

/* The first letters of a name in a circle, in a colour of its own: the eye finds a correspondent again. */
function Initials({ name }: { name: string }) {
	const letters = (name.match(/\p{L}/u)?.[0] ?? "?") + (/\s(\p{L})[^\s]*$/u.exec(name)?.[1] ?? "");
	let hash = 0;
	for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 6;
	return (
		<span className="sp-initials" data-colour={hash} aria-hidden>
			{letters.toUpperCase()}
		</span>
	);
}

function Bar({ mail, query, onDeed }: { mail: Mail; query: string; onDeed: (deed: Deed) => void }) {
	const t = useText(text);
	const may = useMay();
	const { deletion } = usePerson();
	const save = () => download("/mails/{id}/original", { path: { id: mail.id } });
	const deeds: Choice[] = [];
	if (may("DOWNLOAD")) deeds.push({ text: t("do.download"), icon: <DownloadIcon />, run: save });
	if (may("SEND")) deeds.push({ text: t("do.send"), icon: <EnvelopeIcon />, run: () => onDeed("send") });
	deeds.push({ text: t("do.print"), icon: <PrintIcon />, run: () => window.print() });
	if (may("HOLD") && !mail.marks.includes("hold")) deeds.push({ text: t("do.hold"), icon: <LockIcon />, run: () => onDeed("hold") });
	if (may("REQUEST") && deletion !== "off" && mail.mayRequestDeletion)
		deeds.push({ text: t("do.delete"), icon: <TrashIcon />, isDanger: true, run: () => onDeed("delete") });

	const step = (id: string | undefined, name: string, icon: ReactNode) => (
		<Button
			variant="plain"
			icon={icon}
			aria-label={name}
			title={name}
			isDisabled={!id}
			{...(id ? { component: "a" as const, href: href(`/mail/${id}`, { q: query }) } : {})}
		/>
	);
	return (
		<div className="sp-reading-bar sp-not-printed">
			<Button variant="plain" component="a" href={href("/search", { q: query })} icon={<ArrowLeftIcon />} aria-label={t("back")} title={t("back")} />
			<span className="sp-reading-deeds">
				{deeds.map((deed) => (
					<Button key={deed.text} variant="link" size="sm" icon={deed.icon} isDanger={deed.isDanger ?? false} onClick={deed.run}>
						{deed.text}
					</Button>
				))}
			</span>
			<span className="sp-reading-more">
				<Choose text={t("do.more")} icon={<EllipsisVIcon />} choices={deeds} plain />
			</span>
			{step(mail.previous, t("previous"), <AngleLeftIcon />)}
			{step(mail.next, t("next"), <AngleRightIcon />)}
		</div>
	);
}

function Warnings({ mail }: { mail: Mail }) {
	const t = useText(text);
	return (
		<>
			{mail.marks.includes("spam") && <Alert component="h2" variant="warning" isInline title={t("spam")} />}
			{mail.marks.includes("hold") && <Alert component="h2" variant="info" isInline title={t("held")} />}
			{mail.marks.includes("deletionRequested") && <Alert component="h2" variant="warning" isInline title={t("requested")} />}
		</>
	);
}

function Known({ mail }: { mail: Mail }) {
	const t = useText(text);
	const rows: [string, string][] = [
		[t("known.size"), size(mail.size)],
		...(mail.source === undefined ? [] : [[t("known.source"), plain(mail.source)] as [string, string]]),
		...(mail.medium === undefined ? [] : [[t("known.medium"), String(mail.medium)] as [string, string]]),
		[t("known.id"), mail.id],
		...(mail.messageId ? [[t("known.msgid"), plain(mail.messageId)] as [string, string]] : []),
	];
	return (
		<dl className="sp-known">
			{rows.map(([name, value]) => (
				<div key={name}>
					<dt>{name}</dt>
					<dd>{value}</dd>
				</div>
			))}
		</dl>
	);
}

function Letter({ mail, query }: { mail: Mail; query: string }) {
	const t = useText(text);
	const may = useMay();
	const find = useFinder(mail.words);
	const [deed, setDeed] = useState<Deed | null>(null);
	const title = useRef<HTMLHeadingElement>(null);
	const subject = plain(mail.subject).trim();
	const from = mail.fromMailbox ?? { address: personOf(mail.from).address, name: personOf(mail.from).name };
	const go = (id: string | undefined) => id && navigate(`/mail/${id}`, { q: query });

	useEffect(() => {
		title.current?.focus({ preventScroll: true });
		document.getElementById("main")?.scrollTo({ top: 0 });
	}, [mail.id]);
	useKeys([
		{ key: "j", text: t("key.next"), run: () => go(mail.next) },
		{ key: "k", text: t("key.previous"), run: () => go(mail.previous) },
		{ key: "Escape", text: t("key.back"), run: () => navigate("/search", { q: query }) },
		...(may("DOWNLOAD") ? [{ key: "s", text: t("key.save"), run: () => download("/mails/{id}/original", { path: { id: mail.id } }) }] : []),
		{ key: "p", text: t("key.print"), run: () => window.print() },
	]);

	return (
		<div className="sp-reading">
			<Bar mail={mail} query={query} onDeed={setDeed} />
			<article className="sp-letter">
				<header className="sp-letter-head">
					<h1 ref={title} tabIndex={-1} className="sp-focus-quiet">
						{subject ? <Marked text={subject} field="subject" find={find} /> : t("subject.none")}
					</h1>
					<div className="sp-letter-people">
						<Initials name={shortName({ name: plain(from.name ?? ""), address: plain(from.address) })} />
						<div className="sp-letter-who">
							<div className="sp-letter-from">
								<One box={from} field="from" find={find} full />
							</div>
							<People mail={mail} find={find} />
						</div>
						<time dateTime={mail.sent} title={exactTime(mail.sent)} className="sp-letter-date">
							<span className="sp-not-printed">{dateTime(mail.sent)}</span>
							<span className="sp-only-printed">{exactTime(mail.sent)}</span>
						</time>
					</div>
					<Warnings mail={mail} />
					<Attachments id={mail.id} parts={mail.parts} mayDownload={may("DOWNLOAD")} />
				</header>
				<Body mail={mail} find={find} />
				<Thread mail={mail} query={query} find={find} />
			</article>
			<aside className="sp-aside" aria-label={t("side.proof")}>
				<Side title={t("side.proof")}>
					<Proof mail={mail} />
				</Side>
				<Side title={t("side.dates")}>
					<Dates mail={mail} />
				</Side>
				{may("NOTE") && (
					<Side title={t("side.notes")}>
						<Notes mail={mail} />
					</Side>
				)}
				<Side title={t("side.ways")}>
					<Ways mail={mail} />
				</Side>
				<Side title={t("side.known")} open={false}>
					<Known mail={mail} />
				</Side>
			</aside>
			{deed && <DeedDialog deed={deed} chosen={{ mails: [mail.id], n: 1 }} onClose={() => setDeed(null)} />}
		</div>
	);
}

export default function Reading({ params }: ScreenProps) {
	const t = useText(text);
	const query = usePlace().query.get("q") ?? "";
	const asked = useGet("/mails/{id}", { path: { id: params["id"] ?? "" }, query: { q: query } });
	const back = (
		<div className="sp-reading-bar">
			<Button variant="link" component="a" href={href("/search", { q: query })} icon={<ArrowLeftIcon />}>
				{t("back")}
			</Button>
		</div>
	);
	return (
		<>
			{!asked.data && back}
			<Asked of={asked}>{(mail) => <Letter key={mail.id} mail={mail} query={query} />}</Asked>
		</>
	);
}
