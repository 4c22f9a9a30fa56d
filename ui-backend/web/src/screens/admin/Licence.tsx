// SPDX-License-Identifier: GPL-3.0-or-later
// The licence, where a vendor asks for one: how it is, and another one. Users see nothing of it.
import { useState } from "react";
import {
	Alert,
	Button,
	Card,
	CardBody,
	CardFooter,
	CardTitle,
	DescriptionList,
	DescriptionListDescription,
	DescriptionListGroup,
	DescriptionListTerm,
	FileUpload,
} from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Licence } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { day } from "#/i18n/format";
import { Asked } from "#/parts/States";
import { text } from "./text";

const A_DAY_MS = 24 * 3600 * 1000;

/* `until` is the first moment behind the last day. */
function lastDay(until: string): string {
	return day(new Date(new Date(until).getTime() - A_DAY_MS).toISOString());
}

function Facts({ licence }: { licence: Licence }) {
	const t = useText(text);
	const most = licence.users ?? 0;
	const rows: [string, string][] = [[t("licence.users"), most > 0 ? t("licence.users.of", { n: licence.counted, most }) : t("licence.users.any", { n: licence.counted })]];
	if (licence.customer) rows.unshift([t("licence.customer"), licence.customer]);
	if (licence.until) rows.push([licence.trial ? `${t("licence.trial")}: ${t("licence.until")}` : t("licence.until"), lastDay(licence.until)]);
	return (
		<DescriptionList isHorizontal isCompact>
			{rows.map(([term, value]) => (
				<DescriptionListGroup key={term}>
					<DescriptionListTerm>{term}</DescriptionListTerm>
					<DescriptionListDescription>{value}</DescriptionListDescription>
				</DescriptionListGroup>
			))}
		</DescriptionList>
	);
}

/* For the administrator, on each of his screens, and only if something is wrong. */
export function LicenceBanner() {
	const t = useText(text);
	const licence = useGet("/admin/licence", {}).data;
	if (!licence || licence.fine) return null;
	return (
		<Alert component="h2" variant="warning" isInline title={t(`licence.state.${licence.state}`)} className="sp-licence">
			{t("licence.goesOn")}
		</Alert>
	);
}

export function LicenceCard() {
	const t = useText(text);
	const askAgain = useAskAgain();
	const asked = useGet("/admin/licence", {});
	const [file, setFile] = useState<File | null>(null);

	async function change(doing: Promise<unknown>, said: string) {
		try {
			await doing;
			setFile(null);
			toast("success", said);
		} catch (reason) {
			toastProblem(reason);
		}
		askAgain("/admin/licence");
	}
	const install = async () => file && change(api.put("/admin/licence", { body: { licence: await file.text() } }), t("licence.installed"));

	return (
		<Asked of={asked}>
			{(licence) =>
				licence.state === "not-asked" && !licence.customer ? null : (
					<Card isCompact>
						<CardTitle component="h2">{t("licence")}</CardTitle>
						<CardBody>
							<p>{t(`licence.state.${licence.state}`)}</p>
							{licence.fine ? null : <p>{t("licence.goesOn")}</p>}
							<Facts licence={licence} />
						</CardBody>
						<CardFooter>
							<FileUpload
								id="licence-file"
								aria-label={t("licence.file")}
								browseButtonText={t("licence.file")}
								clearButtonText={t("licence.other")}
								filenamePlaceholder={t("licence.choose")}
								hideDefaultPreview
								filename={file?.name ?? ""}
								dropzoneProps={{ maxSize: 16_384 }}
								onFileInputChange={(_, chosen) => setFile(chosen)}
								onClearClick={() => setFile(null)}
								isClearButtonDisabled={!file}
							/>
							<Button variant="secondary" isDisabled={!file} onClick={() => void install()}>
								{t("licence.install")}
							</Button>{" "}
							{licence.customer && !licence.ofMachine ? (
								<Button variant="link" onClick={() => void change(api.delete("/admin/licence"), t("saved"))}>
									{t("licence.remove")}
								</Button>
							) : null}
						</CardFooter>
					</Card>
				)
			}
		</Asked>
	);
}
