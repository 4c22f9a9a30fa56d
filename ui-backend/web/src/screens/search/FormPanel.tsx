// SPDX-License-Identifier: GPL-3.0-or-later
// The same search as a form. It holds nothing of its own: each field is read from the line and written to it.
import { useId } from "react";
import { ActionGroup, Button, Checkbox, Form, FormGroup, FormSelect, FormSelectOption, Grid, GridItem, TextInput } from "@patternfly/react-core";
import type { Right } from "#/api/types";
import { useGet } from "#/api/useGet";
import { useText } from "#/i18n/catalogue";
import { read, write, type Form as Fields, type FormText } from "./query";
import { text } from "./text";

interface Props {
	line: string;
	rights: readonly Right[];
	onChange: (line: string) => void;
	onSearch: (line: string) => void;
}

export function FormPanel({ line, rights, onChange, onSearch }: Props) {
	const t = useText(text);
	const id = useId();
	const mayNote = rights.includes("NOTE");
	const tags = useGet("/categories", {}, { enabled: mayNote, staleTime: 60_000 }).data?.categories ?? [];
	const sources = useGet("/sources", {}, { staleTime: 60_000 }).data?.sources ?? [];
	const form = read(line);
	const change = (part: Partial<Fields>) => onChange(write({ ...form, ...part }));

	const field = (name: FormText, example = "", label = t(`form.${name}`)) => (
		<FormGroup label={label} fieldId={`${id}-${name}`}>
			<TextInput
				id={`${id}-${name}`}
				value={form[name]}
				placeholder={example}
				autoComplete="off"
				spellCheck={false}
				onChange={(_, value) => change({ [name]: value })}
			/>
		</FormGroup>
	);
	const choice = (name: FormText, values: readonly string[]) => (
		<FormGroup label={t(`form.${name}`)} fieldId={`${id}-${name}`}>
			<FormSelect id={`${id}-${name}`} value={form[name]} onChange={(_, value) => change({ [name]: value })}>
				<FormSelectOption value="" label={t("form.any")} />
				{[...new Set([...values, form[name]])].filter(Boolean).map((value) => (
					<FormSelectOption key={value} value={value} label={value} />
				))}
			</FormSelect>
		</FormGroup>
	);

	return (
		<Form
			className="sp-form"
			aria-label={t("form")}
			onSubmit={(event) => {
				event.preventDefault();
				onSearch(line);
			}}
		>
			<Grid hasGutter md={6} xl={3}>
				<GridItem>
					<FormGroup label={t("form.rest")} fieldId={`${id}-rest`}>
						<TextInput id={`${id}-rest`} value={form.rest} autoComplete="off" onChange={(_, rest) => change({ rest })} />
					</FormGroup>
				</GridItem>
				<GridItem>{field("from")}</GridItem>
				<GridItem>{field("to")}</GridItem>
				<GridItem>{field("subject")}</GridItem>
				<GridItem>{field("after", t("form.date.example"))}</GridItem>
				<GridItem>{field("before", t("form.date.example"))}</GridItem>
				<GridItem>{field("file")}</GridItem>
				<GridItem>{field("larger", t("form.larger.example"))}</GridItem>
				{mayNote && <GridItem>{choice("tag", tags.map((one) => one.name))}</GridItem>}
				{sources.length > 1 && <GridItem>{choice("source", sources)}</GridItem>}
				<GridItem>
					<FormGroup label={t("form.spam")} fieldId={`${id}-spam`}>
						<FormSelect id={`${id}-spam`} value={form.spam} onChange={(_, value) => change({ spam: value as Fields["spam"] })}>
							<FormSelectOption value="" label={t("form.spam.any")} />
							<FormSelectOption value="without" label={t("form.spam.without")} />
							<FormSelectOption value="only" label={t("form.spam.only")} />
						</FormSelect>
					</FormGroup>
				</GridItem>
				<GridItem className="sp-form-checks">
					<Checkbox id={`${id}-attachment`} label={t("form.attachment")} isChecked={form.attachment} onChange={(_, attachment) => change({ attachment })} />
					<Checkbox id={`${id}-flagged`} label={t("form.flagged")} isChecked={form.flagged} onChange={(_, flagged) => change({ flagged })} />
				</GridItem>
			</Grid>
			<ActionGroup>
				<Button type="submit">{t("form.apply")}</Button>
				<Button variant="link" onClick={() => onChange("")}>
					{t("form.reset")}
				</Button>
			</ActionGroup>
		</Form>
	);
}
