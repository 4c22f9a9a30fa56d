// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { Label, PageSection } from "@patternfly/react-core";
import { api } from "#/api/client";
import { useAskAgain, useGet } from "#/api/useGet";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { dateTime, size } from "#/i18n/format";
import { ConfirmWord } from "#/parts/ConfirmWord";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { RowActions } from "#/parts/RowActions";
import { Asked } from "#/parts/States";
import { text } from "./text";

const COLOURS = { pending: "grey", ready: "blue", stuck: "red" } as const;
const WORD = "drop";

export default function Spool() {
	const t = useText(text);
	const asked = useGet("/admin/spool", {}, { every: 5000 });
	const askAgain = useAskAgain();
	const [drops, setDrops] = useState("");
	const again = () => askAgain("/admin/spool");
	const retry = async (id: string) => {
		try {
			const { done } = await api.post("/admin/spool/act", { body: { act: "retry", ids: [id] } });
			toast("success", t("spool.retry.done", { n: done }));
			again();
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<>
			<PageTitle title={t("spool")} text={t("spool.text")} />
			<PageSection hasBodyWrapper={false}>
				<Asked of={asked}>
					{({ entries }) => (
						<CursorTable
							label={t("spool")}
							rows={entries}
							rowKey={(row) => row.id}
							empty={<p className="sp-quiet">{t("spool.none")}</p>}
							columns={[
								{ title: t("spool.since"), cell: (row) => dateTime(row.since) },
								{ title: t("spool.state"), cell: (row) => <Label color={COLOURS[row.state]}>{t(`spool.${row.state}`)}</Label> },
								{ title: t("spool.size"), cell: (row) => size(row.size), right: true },
								{ title: t("spool.reason"), cell: (row) => row.reason ?? "" },
							]}
							actions={(row) =>
								row.state === "stuck" && (
									<RowActions
										label={dateTime(row.since)}
										of={[
											{ title: t("spool.retry"), run: () => void retry(row.id) },
											{ title: t("spool.drop"), run: () => setDrops(row.id), isDanger: true },
										]}
									/>
								)
							}
						/>
					)}
				</Asked>
			</PageSection>
			{drops && (
				<ConfirmWord
					title={t("spool.drop")}
					action={t("spool.drop")}
					word={WORD}
					onConfirm={(confirm) => api.post("/admin/spool/act", { body: { act: "drop", ids: [drops], confirm } }).then(again)}
					onClose={() => setDrops("")}
				>
					{t("spool.drop.text")}
				</ConfirmWord>
			)}
		</>
	);
}
