// SPDX-License-Identifier: GPL-3.0-or-later
// Requests for deletion: one's own, and for those who decide or watch all of them.
import { useState } from "react";
import { ActionList, ActionListItem, Button, FormGroup, Label, List, ListItem, Modal, ModalBody, ModalHeader, PageSection, TextArea, ToggleGroup, ToggleGroupItem } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { DeletionRequest } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { usePages } from "#/api/usePages";
import { href } from "#/app/router";
import { usePerson } from "#/app/session";
import { useText } from "#/i18n/catalogue";
import { dateTime } from "#/i18n/format";
import { ConfirmWord } from "#/parts/ConfirmWord";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { Asked, Failing, Loading } from "#/parts/States";
import { text } from "./text";

const COLOURS = { open: "blue", rejected: "grey", approved: "orange", carriedOut: "red" } as const;

function Mails({ request, onClose }: { request: DeletionRequest; onClose: () => void }) {
	const t = useText(text);
	const asked = useGet("/deletion-requests/{request}", { path: { request: request.request } });
	return (
		<Modal isOpen variant="medium" onClose={onClose} aria-labelledby="mails-title">
			<ModalHeader title={t("mails.of", { n: request.request })} labelId="mails-title" />
			<ModalBody>
				<Asked of={asked}>
					{({ mails }) =>
						mails.length === 0 ? (
							<p className="sp-quiet">{t("mails.none")}</p>
						) : (
							<List isPlain>
								{mails.map((mail) => (
									<ListItem key={mail.id}>
										<a href={href(`/mail/${mail.id}`)} onClick={onClose}>
											{mail.subject || "–"}
										</a>{" "}
										<span className="sp-quiet">
											{mail.from}, {dateTime(mail.sent)}
										</span>
									</ListItem>
								))}
							</List>
						)
					}
				</Asked>
			</ModalBody>
		</Modal>
	);
}

function Decide({ request, approve, onClose }: { request: DeletionRequest; approve: boolean; onClose: () => void }) {
	const t = useText(text);
	const askAgain = useAskAgain();
	const [reason, setReason] = useState("");
	const decide = async () => {
		await api.post("/deletion-requests/{request}", { path: { request: request.request }, body: { approve, reason: reason.trim() } });
		askAgain("/deletion-requests");
	};
	return (
		<ConfirmWord
			title={t(approve ? "approve" : "reject")}
			action={t(approve ? "approve" : "reject")}
			danger={approve}
			{...(approve ? { word: String(request.request) } : {})}
			onConfirm={decide}
			onClose={onClose}
		>
			<p>{approve ? t("approve.text", { n: request.mailCount }) : t("reject.text")}</p>
			<FormGroup label={t("why")} fieldId="why">
				<TextArea id="why" value={reason} onChange={(_, value) => setReason(value)} maxLength={2000} rows={2} />
			</FormGroup>
		</ConfirmWord>
	);
}

export default function Requests() {
	const t = useText(text);
	const { rights } = usePerson();
	const decides = rights.includes("DECIDE");
	const [all, setAll] = useState(!decides);
	const found = usePages("/deletion-requests", { query: { state: all ? "all" : "open" } });
	const [shows, setShows] = useState<DeletionRequest | null>(null);
	const [deed, setDeed] = useState<{ request: DeletionRequest; approve: boolean } | null>(null);
	return (
		<>
			<PageTitle
				title={t("title")}
				text={t("text")}
				actions={
					<ToggleGroup aria-label={t("title")}>
						<ToggleGroupItem text={t("open")} isSelected={!all} onChange={() => setAll(false)} />
						<ToggleGroupItem text={t("all")} isSelected={all} onChange={() => setAll(true)} />
					</ToggleGroup>
				}
			/>
			<PageSection hasBodyWrapper={false}>
				{found.error ? (
					<Failing problem={found.error} retry={() => void found.refetch()} />
				) : found.isPending ? (
					<Loading />
				) : (
					<CursorTable
						label={t("title")}
						rows={found.pages.flatMap((page) => page.requests)}
						rowKey={(row) => row.request}
						more={found.more}
						isLoadingMore={found.isFetchingNextPage}
						empty={<p className="sp-quiet">{t(all ? "none" : "none.open")}</p>}
						columns={[
							{ title: "#", cell: (row) => row.request, right: true },
							{ title: t("made"), cell: (row) => dateTime(row.made) },
							{ title: t("by"), cell: (row) => row.by },
							{
								title: t("reason"),
								cell: (row) => (
									<>
										{row.reason}
										{row.decided && <div className="sp-quiet">{t("decision", { who: row.decidedBy ?? "", time: dateTime(row.decided), why: row.decision ?? "" })}</div>}
									</>
								),
							},
							{ title: t("mails"), cell: (row) => row.mailCount, right: true },
							{ title: t("state"), cell: (row) => <Label color={COLOURS[row.state]}>{t(`state.${row.state}`)}</Label> },
						]}
						actions={(row) => (
							<ActionList>
								{rights.includes("READ") && (
									<ActionListItem>
										<Button variant="link" isInline onClick={() => setShows(row)}>
											{t("show")}
										</Button>
									</ActionListItem>
								)}
								{decides && row.state === "open" && !row.own && (
									<>
										<ActionListItem>
											<Button variant="link" isInline onClick={() => setDeed({ request: row, approve: false })}>
												{t("reject")}
											</Button>
										</ActionListItem>
										<ActionListItem>
											<Button variant="link" isInline isDanger onClick={() => setDeed({ request: row, approve: true })}>
												{t("approve")}
											</Button>
										</ActionListItem>
									</>
								)}
								{decides && row.state === "open" && row.own && <ActionListItem>{t("own")}</ActionListItem>}
							</ActionList>
						)}
					/>
				)}
			</PageSection>
			{shows && <Mails request={shows} onClose={() => setShows(null)} />}
			{deed && <Decide {...deed} onClose={() => setDeed(null)} />}
		</>
	);
}
