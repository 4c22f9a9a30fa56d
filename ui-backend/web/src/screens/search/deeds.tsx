// SPDX-License-Identifier: GPL-3.0-or-later
// What can be done with mails: with those that were picked out, with all that a search finds, or with the one that
// is being read. Each dialog says what will happen before it does.
import { useId, useState, type FormEvent, type ReactNode } from "react";
import { Alert, Button, Content, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, TextArea, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import { problemOf, type Problem } from "#/api/problem";
import type { TaskOrder } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { usePerson } from "#/app/session";
import { useStartTask } from "#/app/tasks";
import { toast } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { problemDetail, problemTitle } from "#/parts/problemText";
import { text as partsText } from "#/parts/text";
import { text } from "./text";

/* Mails by name, or all that a query finds; n is how many. */
export interface Chosen {
	readonly mails?: readonly string[];
	readonly query?: string;
	readonly n: number;
}

export type Deed = "send" | "category" | "delete" | "hold";

const target = ({ mails, query }: Chosen): Pick<TaskOrder, "mails" | "query"> =>
	mails ? { mails: [...mails] } : { query: query ?? "" };

export function useExport(): (chosen: Chosen, format: "zip" | "mbox", evidence?: boolean) => void {
	const start = useStartTask();
	return (chosen, format, evidence) =>
		void start({ kind: "export", format, ...(evidence ? { evidence } : {}), ...target(chosen) });
}

interface FrameProps {
	title: string;
	go: string;
	danger?: boolean;
	isReady?: boolean;
	extra?: ReactNode;
	children: ReactNode;
	onGo: () => Promise<unknown>;
	onClose: () => void;
}

function Frame({ title, go, danger, isReady = true, extra, children, onGo, onClose }: FrameProps) {
	const parts = useText(partsText);
	const id = useId();
	const [busy, setBusy] = useState(false);
	const [failed, setFailed] = useState<Problem | null>(null);
	async function submit(event: FormEvent) {
		event.preventDefault();
		if (!isReady || busy) return;
		setBusy(true);
		setFailed(null);
		try {
			await onGo();
			onClose();
		} catch (reason) {
			setFailed(problemOf(reason));
		} finally {
			setBusy(false);
		}
	}
	return (
		<Modal isOpen variant="small" onClose={onClose} aria-labelledby={`${id}-title`}>
			<ModalHeader title={title} labelId={`${id}-title`} {...(danger ? { titleIconVariant: "warning" as const } : {})} />
			<ModalBody>
				<Form id={`${id}-form`} onSubmit={submit}>
					{failed && (
						<Alert component="h2" variant="danger" isInline isLiveRegion title={problemTitle(failed)}>
							{problemDetail(failed)}
						</Alert>
					)}
					{children}
				</Form>
			</ModalBody>
			<ModalFooter>
				<Button type="submit" form={`${id}-form`} variant={danger ? "danger" : "primary"} isDisabled={!isReady} isLoading={busy}>
					{go}
				</Button>
				{extra}
				<Button variant="link" onClick={onClose}>
					{parts("cancel")}
				</Button>
			</ModalFooter>
		</Modal>
	);
}

interface DeedProps {
	chosen: Chosen;
	onClose: () => void;
	/* It was done or begun. */
	onDone?: (() => void) | undefined;
}

function Send({ chosen, onClose, onDone }: DeedProps) {
	const t = useText(text);
	const start = useStartTask();
	const go = async () => {
		if (await start({ kind: "send", ...target(chosen) })) onDone?.();
	};
	return (
		<Frame title={t("send.title")} go={t("send.go")} onGo={go} onClose={onClose}>
			<Content component="p">{t("send.text", { n: chosen.n })}</Content>
		</Frame>
	);
}

function Category({ chosen, onClose, onDone }: DeedProps) {
	const t = useText(text);
	const start = useStartTask();
	const id = useId();
	const known = useGet("/categories", {}).data?.categories ?? [];
	const [name, setName] = useState("");
	const go = async (remove: boolean) => {
		if (await start({ kind: "categorise", category: name.trim(), ...(remove ? { remove } : {}), ...target(chosen) })) onDone?.();
	};
	const isReady = name.trim() !== "";
	return (
		<Frame
			title={t("category.title")}
			go={t("category.put")}
			isReady={isReady}
			onGo={() => go(false)}
			onClose={onClose}
			extra={
				<Button variant="secondary" isDisabled={!isReady} onClick={() => void go(true).then(onClose)}>
					{t("category.remove")}
				</Button>
			}
		>
			<Content component="p">{t("category.text")}</Content>
			<FormGroup label={t("category.name")} fieldId={id}>
				<TextInput id={id} value={name} onChange={(_, value) => setName(value)} list={`${id}-known`} maxLength={100} autoComplete="off" autoFocus />
				<datalist id={`${id}-known`}>
					{known.map((one) => (
						<option key={one.name} value={one.name} />
					))}
				</datalist>
			</FormGroup>
		</Frame>
	);
}

function Reason({ value, onChange }: { value: string; onChange: (value: string) => void }) {
	const t = useText(text);
	const id = useId();
	return (
		<FormGroup label={t("delete.reason")} fieldId={id} isRequired>
			<TextArea id={id} value={value} onChange={(_, next) => onChange(next)} maxLength={2000} rows={3} resizeOrientation="vertical" isRequired autoFocus />
		</FormGroup>
	);
}

function Delete({ chosen, onClose, onDone }: DeedProps) {
	const t = useText(text);
	const parts = useText(partsText);
	const { deletion } = usePerson();
	const start = useStartTask();
	const askAgain = useAskAgain();
	const id = useId();
	const [reason, setReason] = useState("");
	const [word, setWord] = useState("");
	const go = async () => {
		if (chosen.mails && chosen.mails.length <= 50) {
			await api.post("/deletion-requests", { body: { mails: [...chosen.mails], reason: reason.trim() } });
			toast("success", t("delete.done"));
			askAgain("/mails", "/mails/{id}", "/mails/count", "/deletion-requests");
			onDone?.();
		} else if (await start({ kind: "requestDeletion", reason: reason.trim(), ...target(chosen) })) onDone?.();
	};
	const isReady = reason.trim() !== "" && word.trim().toLowerCase() === t("delete.word");
	return (
		<Frame title={t("delete.title")} go={t("delete.go")} danger isReady={isReady} onGo={go} onClose={onClose}>
			<Content component="p">{t("delete.text", { n: chosen.n })}</Content>
			<Content component="p">{deletion === "approval" ? t("delete.approval") : t("delete.on")}</Content>
			<Reason value={reason} onChange={setReason} />
			<FormGroup label={parts("confirm.type", { word: t("delete.word") })} fieldId={id} isRequired>
				<TextInput id={id} value={word} onChange={(_, value) => setWord(value)} autoComplete="off" isRequired />
			</FormGroup>
		</Frame>
	);
}

function Hold({ chosen, onClose, onDone }: DeedProps) {
	const t = useText(text);
	const askAgain = useAskAgain();
	const [reason, setReason] = useState("");
	const go = async () => {
		await api.post("/holds", { body: { reason: reason.trim(), ...target(chosen) } });
		toast("success", t("hold.done"));
		askAgain("/mails", "/mails/{id}", "/holds");
		onDone?.();
	};
	return (
		<Frame title={t("hold.title")} go={t("hold.go")} isReady={reason.trim() !== ""} onGo={go} onClose={onClose}>
			<Content component="p">{t("hold.text", { n: chosen.n })}</Content>
			<Reason value={reason} onChange={setReason} />
		</Frame>
	);
}

const DIALOGS = { send: Send, category: Category, delete: Delete, hold: Hold };

export function DeedDialog({ deed, ...rest }: DeedProps & { deed: Deed }) {
	const Dialog = DIALOGS[deed];
	return <Dialog {...rest} />;
}
