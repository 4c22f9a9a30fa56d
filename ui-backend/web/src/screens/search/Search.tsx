// SPDX-License-Identifier: GPL-3.0-or-later
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Alert, Button, Checkbox, Spinner } from "@patternfly/react-core";
import InboxIcon from "@patternfly/react-icons/dist/esm/icons/inbox-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import type { MailRow } from "#/api/types";
import { useGet } from "#/api/useGet";
import { usePages } from "#/api/usePages";
import { useKeys } from "#/app/keys";
import { navigate, usePlace } from "#/app/router";
import { usePerson } from "#/app/session";
import { useText } from "#/i18n/catalogue";
import { useFinder } from "#/parts/Marked";
import { Empty, Failing, Loading } from "#/parts/States";
import type { Chosen } from "./deeds";
import { FormPanel } from "./FormPanel";
import { Row } from "./MailList";
import { inOwnWords } from "./mistakes";
import { mistake } from "./query";
import { QueryLine } from "./QueryLine";
import { Saved } from "./Saved";
import { SelectionBar } from "./SelectionBar";
import { text } from "./text";
import "./search.css";

/* Where the reader was in a list, for when he comes back from a mail. */
let left = { query: "", top: 0, current: "" };

const scroller = () => document.getElementById("main");

/* Which mails are selected; or all that the search finds. */
function useSelection(query: string, rows: readonly MailRow[], hits: number | undefined) {
	const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
	const [every, setEvery] = useState(false);
	const last = useRef("");
	const none = useCallback(() => {
		setIds(new Set());
		setEvery(false);
	}, []);
	useEffect(none, [query, none]);

	const select = useCallback(
		(id: string, on: boolean, range: boolean) => {
			const from = rows.findIndex((row) => row.id === last.current);
			const to = rows.findIndex((row) => row.id === id);
			const meant = range && from >= 0 ? rows.slice(Math.min(from, to), Math.max(from, to) + 1).map((row) => row.id) : [id];
			last.current = id;
			setIds((old) => {
				const next = new Set(every ? rows.map((row) => row.id) : old);
				for (const one of meant) if (on) next.add(one); else next.delete(one);
				return next;
			});
			setEvery(false);
		},
		[rows, every],
	);
	const chosen: Chosen = every ? { query, n: hits ?? 0 } : { mails: [...ids], n: ids.size };
	return {
		chosen,
		every,
		none,
		select,
		has: (id: string) => every || ids.has(id),
		all: (on: boolean) => (on ? setIds(new Set(rows.map((row) => row.id))) : none()),
		selectEvery: () => setEvery(true),
	};
}

function Mistake({ detail }: { detail: string }) {
	const t = useText(text);
	const { sentence, place } = mistake(detail);
	return (
		<Alert component="h2" variant="warning" isInline isLiveRegion title={t("mistake")} id="search-mistake" className="sp-mistake">
			<p>{inOwnWords(sentence)}</p>
			{place && <pre>{place}</pre>}
		</Alert>
	);
}

function Nothing({ query, onAll }: { query: string; onAll: () => void }) {
	const t = useText(text);
	if (!query)
		return (
			<Empty title={t("none.all.title")} icon={InboxIcon}>
				{t("none.all.text")}
			</Empty>
		);
	return (
		<Empty
			title={t("none.title")}
			icon={SearchIcon}
			actions={
				<Button variant="link" onClick={onAll}>
					{t("none.clear")}
				</Button>
			}
		>
			{t("none.text")}
		</Empty>
	);
}

export default function Search() {
	const t = useText(text);
	const { rights } = usePerson();
	const query = usePlace().query.get("q") ?? "";
	const input = useRef<HTMLInputElement>(null);
	const [line, setLine] = useState(query);
	const [form, setForm] = useState(false);
	const [current, setCurrent] = useState(left.query === query ? left.current : "");
	useEffect(() => setLine(query), [query]);

	const found = usePages("/mails", { query: { q: query, limit: 50 } });
	const isMistake = found.error?.code === "syntax" || found.error?.code === "usage";
	const counted = useGet("/mails/count", { query: { q: query } }, { enabled: !isMistake });
	const rows = useMemo(() => found.pages.flatMap((page) => page.mails), [found.pages]);
	const find = useFinder(found.pages[0]?.words);
	const hits = counted.data?.count ?? (found.more ? undefined : rows.length);
	const selection = useSelection(query, rows, hits);

	const search = useCallback((next: string) => {
		left = { query: "", top: 0, current: "" };
		setLine(next);
		setCurrent("");
		scroller()?.scrollTo({ top: 0 });
		navigate("/search", { q: next.trim() });
	}, []);

	// Back from a mail: the list stands where it stood.
	useEffect(() => {
		if (left.query === query && left.top > 0) scroller()?.scrollTo({ top: left.top });
		const main = scroller();
		const note = () => (left = { ...left, query, top: main?.scrollTop ?? 0 });
		main?.addEventListener("scroll", note);
		return () => main?.removeEventListener("scroll", note);
	}, [query]);
	const visit = useCallback(
		(id: string) => {
			setCurrent(id);
			left = { query, top: scroller()?.scrollTop ?? 0, current: id };
		},
		[query],
	);

	const step = (by: number) => {
		const at = rows.findIndex((row) => row.id === current);
		const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
		if (next) document.getElementById(`mail-${next.id}`)?.focus();
		if (by > 0 && at >= rows.length - 2) found.more?.();
	};
	const open = () => current && navigate(`/mail/${current}`, { q: query });
	useKeys([
		{ key: "/", text: t("key.search"), run: () => input.current?.select() },
		{ key: "j", text: t("key.next"), run: () => step(1) },
		{ key: "k", text: t("key.previous"), run: () => step(-1) },
		{ key: "Enter", text: t("key.open"), run: open },
		{ key: "x", text: t("key.select"), run: () => current && selection.select(current, !selection.has(current), false) },
		{ key: "Escape", text: t("key.clear"), run: selection.none },
	]);

	const allShown = rows.length > 0 && rows.every((row) => selection.has(row.id));
	const select = rights.some((right) => ["EXPORT", "SEND", "NOTE", "REQUEST", "HOLD"].includes(right)) ? selection.select : undefined;

	return (
		<div className="sp-search">
			<h1 className="sp-only-read">{t("title")}</h1>
			<div className="sp-search-head">
				<QueryLine
					input={input}
					value={line}
					rights={rights}
					formOpen={form}
					isWrong={isMistake && line === query}
					describedBy={isMistake ? "search-mistake" : undefined}
					onChange={setLine}
					onSearch={search}
					onForm={() => setForm(!form)}
				/>
				{form && <FormPanel line={line} rights={rights} onChange={setLine} onSearch={search} />}
				{isMistake && found.error && <Mistake detail={found.error.detail} />}
				{found.pages[0]?.indexing && (
					<Alert component="h2" variant="info" isInline title={t("indexing")}>
						{t("indexing.text")}
					</Alert>
				)}
			</div>
			<div className="sp-search-bar">
				{select && rows.length > 0 && (
					<Checkbox
						id="select-all"
						aria-label={t("select.all")}
						isChecked={allShown ? true : selection.chosen.n > 0 ? null : false}
						onChange={(_, on) => selection.all(on)}
					/>
				)}
				{selection.chosen.n > 0 ? (
					<SelectionBar chosen={selection.chosen} isEvery={selection.every} hits={hits} onEvery={selection.selectEvery} onNone={selection.none} />
				) : (
					<span className="sp-count" role="status">
						{isMistake || found.error ? "" : counted.data ? t("count", { n: counted.data.count }) : counted.isFetching ? <Spinner size="md" aria-label={t("count.asking")} /> : ""}
					</span>
				)}
				<Saved query={query} onSearch={search} />
			</div>
			{found.error && !isMistake && rows.length === 0 ? (
				<Failing problem={found.error} retry={() => void found.refetch()} />
			) : isMistake ? null : found.isPending ? (
				<Loading />
			) : rows.length === 0 ? (
				<Nothing query={query} onAll={() => search("")} />
			) : (
				<>
					<ul className="sp-rows" aria-label={t("list")} aria-busy={found.isFetching}>
						{rows.map((mail) => (
							<Row
								key={mail.id}
								mail={mail}
								find={find}
								query={query}
								isCurrent={mail.id === current}
								isSelected={selection.has(mail.id)}
								onSelect={select}
								onVisit={visit}
							/>
						))}
					</ul>
					<div className="sp-list-end">
						{found.more ? (
							<Button variant="secondary" isLoading={found.isFetchingNextPage} onClick={found.more}>
								{t("list.more")}
							</Button>
						) : (
							<span className="sp-quiet">{t("list.end")}</span>
						)}
					</div>
				</>
			)}
		</div>
	);
}
