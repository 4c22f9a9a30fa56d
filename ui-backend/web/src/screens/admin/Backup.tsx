// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { Button, FormGroup, FormSelect, FormSelectOption, PageSection } from "@patternfly/react-core";
import { api } from "#/api/client";
import { useAskAgain, useGet } from "#/api/useGet";
import { toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { dateTime, size } from "#/i18n/format";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { Asked } from "#/parts/States";
import { Block } from "#/screens/account/Account";
import { Place } from "./Place";
import { text } from "./storageText";
import "./admin.css";

const FULL = ["daily", "weekly", "off"] as const;
const INCREMENTAL = ["hourly", "daily", "off"] as const;

export default function Backup() {
	const t = useText(text);
	const asked = useGet("/admin/backup", {});
	const askAgain = useAskAgain();
	const [mirrors, setMirrors] = useState(false);
	const again = () => askAgain("/admin/backup");
	const keep = async (body: { full?: (typeof FULL)[number]; incremental?: (typeof INCREMENTAL)[number] }) => {
		try {
			await api.put("/admin/backup", { body });
			again();
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<>
			<PageTitle title={t("backup")} text={t("backup.text")} />
			<PageSection hasBodyWrapper={false} className="sp-blocks">
				<Asked of={asked}>
					{(backup) => (
						<>
							<Block title={t("backup")}>
								<FormGroup label={t("backup.full")} fieldId="backup-full">
									<FormSelect id="backup-full" value={backup.full} onChange={(_, value) => void keep({ full: value as "daily" })}>
										{FULL.map((one) => (
											<FormSelectOption key={one} value={one} label={t(`backup.${one}`)} />
										))}
									</FormSelect>
								</FormGroup>
								<FormGroup label={t("backup.incremental")} fieldId="backup-incremental" className="sp-gap-above">
									<FormSelect id="backup-incremental" value={backup.incremental} onChange={(_, value) => void keep({ incremental: value as "daily" })}>
										{INCREMENTAL.map((one) => (
											<FormSelectOption key={one} value={one} label={t(`backup.${one}`)} />
										))}
									</FormSelect>
								</FormGroup>
							</Block>
							<Block title={t("backup.mirror")}>
								<p>{backup.mirror?.location ?? t("backup.mirror.none")}</p>
								<Button variant="secondary" className="sp-gap-above" onClick={() => setMirrors(true)}>
									{t("backup.mirror.set")}
								</Button>
							</Block>
							<Block title={t("backup.sets")}>
								<CursorTable
									label={t("backup.sets")}
									rows={backup.sets}
									rowKey={(row) => row.name}
									empty={<p className="sp-quiet">{t("backup.none")}</p>}
									columns={[
										{ title: t("backup.made"), cell: (row) => dateTime(row.made) },
										{ title: t("backup"), cell: (row) => t(row.full ? "backup.kind.full" : "backup.kind.incremental") },
										{ title: t("backup.size"), cell: (row) => size(row.size), right: true },
									]}
								/>
							</Block>
						</>
					)}
				</Asked>
			</PageSection>
			{mirrors && <Place title={t("backup.mirror.set")} onSave={(mirror) => api.put("/admin/backup", { body: { mirror } }).then(again)} onClose={() => setMirrors(false)} />}
		</>
	);
}
