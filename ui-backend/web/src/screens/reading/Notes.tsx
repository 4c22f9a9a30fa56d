// SPDX-License-Identifier: GPL-3.0-or-later
import { useEffect, useId, useState } from "react";
import { Button, Label, LabelGroup, TextArea, TextInput } from "@patternfly/react-core";
import { useQueryClient } from "@tanstack/react-query";
import { api } from "#/api/client";
import type { Mail } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { guard } from "#/app/router";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { plain } from "#/parts/mailText";
import { text } from "./text";

/* The reader's own categories and note. Nobody else sees them. */
export function Notes({ mail }: { mail: Mail }) {
	const t = useText(text);
	const id = useId();
	const client = useQueryClient();
	const askAgain = useAskAgain();
	const known = useGet("/categories", {}, { staleTime: 60_000 }).data?.categories ?? [];
	const [categories, setCategories] = useState<readonly string[]>(mail.categories);
	const [note, setNote] = useState(mail.note);
	const [saved, setSaved] = useState(mail.note);
	const [name, setName] = useState("");
	const isOpen = note !== saved;

	async function keep(nextCategories: readonly string[], nextNote: string) {
		try {
			await api.put("/mails/{id}/note", { path: { id: mail.id }, body: { categories: [...nextCategories], note: nextNote } });
			setCategories(nextCategories);
			setSaved(nextNote);
			client.setQueriesData<Mail>({ queryKey: ["/mails/{id}"] }, (old) =>
				old?.id === mail.id ? { ...old, categories: [...nextCategories], note: nextNote, hasNote: nextNote !== "" } : old,
			);
			askAgain("/mails", "/categories");
		} catch (reason) {
			toastProblem(reason);
		}
	}
	useEffect(() => {
		if (!isOpen) return;
		const leave = guard(() => !window.confirm(t("note.lose")));
		const close = (event: BeforeUnloadEvent) => event.preventDefault();
		window.addEventListener("beforeunload", close);
		return () => {
			leave();
			window.removeEventListener("beforeunload", close);
		};
	}, [isOpen, t]);

	return (
		<div className="sp-notes">
			{categories.length > 0 && (
				<LabelGroup aria-label={t("note.categories")} numLabels={20}>
					{categories.map((one) => (
						<Label
							key={one}
							color="blue"
							closeBtnAriaLabel={t("note.remove", { name: plain(one) })}
							onClose={() => void keep(categories.filter((other) => other !== one), saved)}
						>
							{plain(one)}
						</Label>
					))}
				</LabelGroup>
			)}
			<form
				className="sp-notes-add"
				onSubmit={(event) => {
					event.preventDefault();
					const wanted = name.trim();
					if (!wanted) return;
					setName("");
					if (!categories.includes(wanted)) void keep([...categories, wanted], saved);
				}}
			>
				<TextInput
					aria-label={t("note.add")}
					placeholder={t("note.add")}
					value={name}
					onChange={(_, value) => setName(value)}
					list={`${id}-known`}
					maxLength={100}
					autoComplete="off"
				/>
				<datalist id={`${id}-known`}>
					{known.filter((one) => !categories.includes(one.name)).map((one) => (
						<option key={one.name} value={one.name} />
					))}
				</datalist>
				<Button type="submit" variant="control" isDisabled={!name.trim()}>
					{t("note.put")}
				</Button>
			</form>
			<TextArea
				aria-label={t("note")}
				placeholder={t("note.placeholder")}
				value={note}
				onChange={(_, value) => setNote(value)}
				maxLength={20_000}
				rows={3}
				resizeOrientation="vertical"
			/>
			{isOpen && (
				<div className="sp-deeds">
					<Button size="sm" onClick={() => void keep(categories, note).then(() => toast("success", t("note.kept")))}>
						{t("note.keep")}
					</Button>
					<Button size="sm" variant="link" onClick={() => setNote(saved)}>
						{t("note.discard")}
					</Button>
				</div>
			)}
		</div>
	);
}
