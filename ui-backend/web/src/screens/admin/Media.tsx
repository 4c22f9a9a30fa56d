// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { Button, Label, PageSection } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Medium } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { number, size } from "#/i18n/format";
import { ConfirmWord } from "#/parts/ConfirmWord";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { RowActions } from "#/parts/RowActions";
import { Asked } from "#/parts/States";
import { Place } from "./Place";
import { text } from "./storageText";

function State({ medium }: { medium: Medium }) {
	const t = useText(text);
	if (medium.state === "deactivated") return <Label color="grey">{t("media.deactivated")}</Label>;
	if (medium.state === "redirected") return <Label color="grey">{t("media.redirected")}</Label>;
	if (medium.state === "removed") return <Label color="grey">{t("media.removed")}</Label>;
	return (
		<>
			{medium.active && <Label color="blue">{t("media.active")}</Label>} {medium.forTrials && <Label color="orange">{t("media.trials")}</Label>}{" "}
			{medium.answers === false ? <Label color="red">{t("media.silent")}</Label> : <Label color="green">{t("media.answers")}</Label>}
			{medium.trouble && <div className="sp-quiet">{medium.trouble}</div>}
		</>
	);
}

export default function Media() {
	const t = useText(text);
	const asked = useGet("/admin/media", {}, { every: 10_000 });
	const askAgain = useAskAgain();
	const [adds, setAdds] = useState(false);
	const [stops, setStops] = useState<Medium | null>(null);
	const again = () => askAgain("/admin/media");
	const act = async (medium: Medium, what: "activate" | "reactivate" | "check") => {
		try {
			await api.post("/admin/media/{medium}/act", { path: { medium: medium.medium }, body: { act: what } });
			toast("success", t("media.act.done"));
			again();
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<>
			<PageTitle title={t("media")} text={t("media.text")} actions={<Button onClick={() => setAdds(true)}>{t("media.add")}</Button>} />
			<PageSection hasBodyWrapper={false}>
				<Asked of={asked}>
					{({ media }) => (
						<CursorTable
							label={t("media")}
							rows={media}
							rowKey={(row) => row.medium}
							empty={<p className="sp-quiet">{t("media.none")}</p>}
							columns={[
								{ title: "#", cell: (row) => row.medium, right: true },
								{ title: t("media.location"), cell: (row) => row.location },
								{ title: t("media.state"), cell: (row) => <State medium={row} /> },
								{ title: t("media.packs"), cell: (row) => number(row.packs), right: true },
								{ title: t("media.space"), cell: (row) => (row.freeBytes === undefined ? "–" : size(row.freeBytes)), right: true },
							]}
							actions={(row) => (
								<RowActions
									label={row.location}
									of={[
										row.state === "inUse" && { title: t("media.act.check"), run: () => void act(row, "check") },
										row.state === "inUse" && !row.active && { title: t("media.act.activate"), run: () => void act(row, "activate") },
										row.state === "inUse" && !row.active && { title: t("media.act.deactivate"), run: () => setStops(row), isDanger: true },
										row.state === "deactivated" && { title: t("media.act.reactivate"), run: () => void act(row, "reactivate") },
									]}
								/>
							)}
						/>
					)}
				</Asked>
			</PageSection>
			{adds && <Place title={t("media.add")} mayActivate onSave={(body) => api.post("/admin/media", { body }).then(again)} onClose={() => setAdds(false)} />}
			{stops && (
				<ConfirmWord
					title={t("media.act.deactivate")}
					action={t("media.act.deactivate")}
					word={String(stops.medium)}
					onConfirm={(confirm) => api.post("/admin/media/{medium}/act", { path: { medium: stops.medium }, body: { act: "deactivate", confirm } }).then(again)}
					onClose={() => setStops(null)}
				>
					{t("media.deactivate.text")}
				</ConfirmWord>
			)}
		</>
	);
}
