// SPDX-License-Identifier: GPL-3.0-or-later
import { useDeferredValue, useState } from "react";
import { Alert, Button, PageSection, SearchInput } from "@patternfly/react-core";
import { address, api } from "#/api/client";
import { usePages } from "#/api/usePages";
import { toastProblem } from "#/app/toasts";
import { useLanguage, useText } from "#/i18n/catalogue";
import { dateTime } from "#/i18n/format";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { Failing, Loading } from "#/parts/States";
import { inOwnWords } from "./serverWords";
import { text } from "./text";
import "./admin.css";

export default function Log() {
	const t = useText(text);
	const lang = useLanguage();
	const [who, setWho] = useState("");
	const sought = useDeferredValue(who.trim());
	const found = usePages("/audit", { query: sought ? { who: sought } : {} });
	const [checked, setChecked] = useState<{ ok: boolean; text: string } | null>(null);
	const verify = async () => {
		try {
			setChecked(await api.post("/audit/verify"));
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<>
			<PageTitle
				title={t("log")}
				text={t("log.text")}
				actions={
					<>
						<Button component="a" variant="link" href={address("/procedure", { query: { lang } })} download>
							{t("log.procedure")}
						</Button>
						<Button variant="secondary" onClick={() => void verify()}>
							{t("log.verify")}
						</Button>
					</>
				}
			/>
			<PageSection hasBodyWrapper={false}>
				{checked && (
					<Alert component="h2" isInline isLiveRegion variant={checked.ok ? "success" : "danger"} title={t(checked.ok ? "log.good" : "log.bad")}>
						{checked.text}
					</Alert>
				)}
				<SearchInput aria-label={t("log.find")} placeholder={t("log.find")} value={who} onChange={(_, value) => setWho(value)} onClear={() => setWho("")} className="sp-find sp-gap-above" />
				{found.error ? (
					<Failing problem={found.error} retry={() => void found.refetch()} />
				) : found.isPending ? (
					<Loading />
				) : (
					<CursorTable
						label={t("log")}
						rows={found.pages.flatMap((page) => page.lines)}
						rowKey={(row) => row.line}
						more={found.more}
						isLoadingMore={found.isFetchingNextPage}
						empty={<p className="sp-quiet">{t("log.none")}</p>}
						columns={[
							{ title: t("log.time"), cell: (row) => dateTime(row.time), nowrap: true },
							{ title: t("log.who"), cell: (row) => row.who },
							{ title: t("log.what"), cell: (row) => inOwnWords(row.what) },
							{ title: t("log.subject"), cell: (row) => row.subject },
							{ title: t("log.detail"), cell: (row) => row.detail },
						]}
					/>
				)}
			</PageSection>
		</>
	);
}
