// SPDX-License-Identifier: GPL-3.0-or-later
// The one line that everything is searched with: a combobox (WAI-ARIA 1.2) over what may follow at the caret.
import { useEffect, useId, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { Button } from "@patternfly/react-core";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import SlidersHIcon from "@patternfly/react-icons/dist/esm/icons/sliders-h-icon";
import TimesIcon from "@patternfly/react-icons/dist/esm/icons/times-icon";
import type { Right } from "#/api/types";
import { useText } from "#/i18n/catalogue";
import { useSuggestions, type Suggestion } from "./suggestions";
import { text } from "./text";

interface Props {
	input: RefObject<HTMLInputElement | null>;
	value: string;
	rights: readonly Right[];
	formOpen: boolean;
	isWrong: boolean;
	describedBy?: string | undefined;
	onChange: (line: string) => void;
	onSearch: (line: string) => void;
	onForm: () => void;
}

export function QueryLine({ input, value, rights, formOpen, isWrong, describedBy, onChange, onSearch, onForm }: Props) {
	const t = useText(text);
	const list = useId();
	const [open, setOpen] = useState(false);
	const [caret, setCaret] = useState(value.length);
	const [picked, setPicked] = useState(-1);
	const wanted = useRef<number | null>(null);
	const offered = useSuggestions(value, caret, rights);
	const shown = open ? offered : [];

	useEffect(() => setPicked(-1), [value]);
	useEffect(() => {
		if (wanted.current === null) return;
		input.current?.setSelectionRange(wanted.current, wanted.current);
		wanted.current = null;
	}, [value, input]);

	function take(one: Suggestion) {
		wanted.current = one.caret;
		onChange(one.line);
		setCaret(one.caret);
		setPicked(-1);
		input.current?.focus();
		if (one.whole) search(one.line);
	}
	function search(line: string) {
		setOpen(false);
		setPicked(-1);
		onSearch(line);
	}
	function onKey(event: KeyboardEvent) {
		const one = shown[picked];
		if (event.key === "ArrowDown" || event.key === "ArrowUp") {
			event.preventDefault();
			setOpen(true);
			const count = offered.length;
			if (count) setPicked(event.key === "ArrowDown" ? (picked + 1) % count : picked <= 0 ? count - 1 : picked - 1);
		} else if (event.key === "Enter") {
			event.preventDefault();
			if (one) take(one);
			else search(value);
		} else if (event.key === "Tab" && one) {
			event.preventDefault();
			take(one);
		} else if (event.key === "Escape") {
			event.preventDefault();
			event.stopPropagation();
			const isChoosing = shown.length > 0 && value !== "";
			setOpen(false);
			if (!isChoosing) input.current?.blur();
		}
	}

	return (
		<form
			role="search"
			className="sp-line"
			onSubmit={(event) => {
				event.preventDefault();
				search(value);
			}}
		>
			<div className="sp-line-box" data-wrong={isWrong || undefined}>
				<SearchIcon className="sp-line-icon" aria-hidden />
				<input
					ref={input}
					type="text"
					role="combobox"
					aria-label={t("line")}
					aria-expanded={shown.length > 0}
					aria-controls={list}
					aria-autocomplete="list"
					aria-activedescendant={shown[picked] ? `${list}-${picked}` : undefined}
					aria-invalid={isWrong}
					aria-describedby={describedBy}
					placeholder={t("line.example")}
					autoComplete="off"
					autoCorrect="off"
					autoCapitalize="off"
					spellCheck={false}
					enterKeyHint="search"
					maxLength={4096}
					value={value}
					onChange={(event) => {
						onChange(event.target.value);
						setCaret(event.target.selectionStart ?? event.target.value.length);
						setOpen(true);
					}}
					onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
					onKeyDown={onKey}
					onFocus={() => value === "" && setOpen(true)}
					onBlur={() => setOpen(false)}
				/>
				{value && (
					<Button
						variant="plain"
						size="sm"
						aria-label={t("line.clear")}
						icon={<TimesIcon />}
						onClick={() => {
							search("");
							input.current?.focus();
						}}
					/>
				)}
				<ul id={list} role="listbox" aria-label={t("line.suggestions")} className="sp-suggestions" hidden={shown.length === 0}>
					{shown.map((one, i) => (
						<li
							key={one.text}
							id={`${list}-${i}`}
							role="option"
							aria-selected={i === picked}
							onMouseDown={(event) => {
								event.preventDefault();
								take(one);
							}}
						>
							<span className="sp-suggestion">{one.text}</span>
							<span className="sp-quiet">{one.hint}</span>
						</li>
					))}
				</ul>
			</div>
			<Button type="submit" className="sp-line-go" aria-label={t("line.search")} icon={<SearchIcon />}>
				<span className="sp-wide-only">{t("line.search")}</span>
			</Button>
			<Button variant="plain" className="sp-line-form" aria-expanded={formOpen} aria-label={t("line.form")} icon={<SlidersHIcon />} onClick={onForm}>
				<span className="sp-wide-only">{t("line.form")}</span>
			</Button>
		</form>
	);
}
