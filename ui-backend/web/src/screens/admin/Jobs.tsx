// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { CodeBlock, CodeBlockCode, ExpandableSection, Label, Modal, ModalBody, ModalHeader, PageSection } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Job, JobRun } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { dateTime } from "#/i18n/format";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { RowActions } from "#/parts/RowActions";
import { Asked } from "#/parts/States";
import { inOwnWords } from "./serverWords";
import { text } from "./text";

const COLOURS = { running: "blue", done: "green", failed: "red", stopped: "orange" } as const;

function Result({ run }: { run: JobRun }) {
	const t = useText(text);
	return <Label color={COLOURS[run.result]}>{t(`jobs.result.${run.result}`)}</Label>;
}

function Runs({ job, onClose }: { job: Job; onClose: () => void }) {
	const t = useText(text);
	const asked = useGet("/admin/jobs/{job}", { path: { job: job.job } });
	return (
		<Modal isOpen variant="large" onClose={onClose} aria-labelledby="runs-title">
			<ModalHeader title={t("jobs.log.of", { job: inOwnWords(job.text) })} labelId="runs-title" />
			<ModalBody>
				<Asked of={asked}>
					{({ runs }) => (
						<>
							{runs.length === 0 && <p className="sp-quiet">{t("jobs.never")}</p>}
							{runs.map((run) => (
								<ExpandableSection key={run.run} toggleContent={<>{dateTime(run.begun)} <Result run={run} /> {run.byHand && t("jobs.byhand")} {run.summary}</>}>
									<CodeBlock>
										<CodeBlockCode>{"log" in run && typeof run.log === "string" && run.log ? run.log : run.summary}</CodeBlockCode>
									</CodeBlock>
								</ExpandableSection>
							))}
						</>
					)}
				</Asked>
			</ModalBody>
		</Modal>
	);
}

export default function Jobs() {
	const t = useText(text);
	const asked = useGet("/admin/jobs", {}, { every: 5000 });
	const askAgain = useAskAgain();
	const [shows, setShows] = useState<Job | null>(null);
	const act = async (job: Job, what: "run" | "pause" | "resume") => {
		try {
			await api.post("/admin/jobs/{job}", { path: { job: job.job }, body: { act: what } });
			if (what === "run") toast("success", t("jobs.begun"));
			askAgain("/admin/jobs");
		} catch (reason) {
			toastProblem(reason);
		}
	};
	return (
		<>
			<PageTitle title={t("jobs")} text={t("jobs.text")} />
			<PageSection hasBodyWrapper={false}>
				<Asked of={asked}>
					{({ jobs }) => (
						<CursorTable
							label={t("jobs")}
							rows={jobs}
							rowKey={(row) => row.job}
							columns={[
								{
									title: t("jobs.job"),
									cell: (row) => (
										<>
											{inOwnWords(row.text)} {row.running && <Label color="blue">{t("jobs.running")}</Label>} {row.paused && <Label color="orange">{t("jobs.paused")}</Label>}
										</>
									),
								},
								{ title: t("jobs.when"), cell: (row) => inOwnWords(row.when) },
								{
									title: t("jobs.last"),
									cell: (row) =>
										row.last ? (
											<>
												{dateTime(row.last.begun)} <Result run={row.last} />
												<div className="sp-quiet">{row.last.summary}</div>
											</>
										) : (
											t("jobs.never")
										),
								},
								{ title: t("jobs.next"), cell: (row) => (row.next ? dateTime(row.next) : "–") },
							]}
							actions={(row) => (
								<RowActions
									label={inOwnWords(row.text)}
									of={[
										{ title: t("jobs.run"), run: () => void act(row, "run"), isDisabled: row.running },
										{ title: t(row.paused ? "jobs.resume" : "jobs.pause"), run: () => void act(row, row.paused ? "resume" : "pause") },
										{ title: t("jobs.log"), run: () => setShows(row) },
									]}
								/>
							)}
						/>
					)}
				</Asked>
			</PageSection>
			{shows && <Runs job={shows} onClose={() => setShows(null)} />}
		</>
	);
}
