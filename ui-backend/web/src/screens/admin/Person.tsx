// SPDX-License-Identifier: GPL-3.0-or-later
// The form for one user: new, or as he is.
import { useState } from "react";
import { Checkbox, DatePicker, FormFieldGroup, FormFieldGroupHeader, FormGroup, FormHelperText, FormSelect, FormSelectOption, HelperText, HelperTextItem, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Bounds, PersonOrder, PersonRow, Role } from "#/api/types";
import { text as appText } from "#/app/text";
import { useText } from "#/i18n/catalogue";
import { fromLines, Lines, toLines } from "./Lines";
import { Sheet } from "./Sheet";
import { text } from "./text";

const ROLES: readonly Role[] = ["user", "revisor", "uploader", "auditor", "dataofficer", "admin"];

const placeText = (place: { source: string; folder?: string }) => [place.source, place.folder].filter(Boolean).join("/");
function placeOf(line: string): { source: string; folder?: string } {
	const at = line.indexOf("/");
	return at < 0 ? { source: line } : { source: line.slice(0, at), folder: line.slice(at + 1) };
}

interface BoundsForm {
	domains: string;
	places: string;
	from: string;
	until: string;
	validUntil: string;
}

function boundsOf(form: BoundsForm): Bounds {
	const domains = fromLines(form.domains);
	const sources = fromLines(form.places).map(placeOf);
	return {
		...(domains.length ? { domains } : {}),
		...(sources.length ? { sources } : {}),
		...(form.from ? { from: form.from } : {}),
		...(form.until ? { until: form.until } : {}),
		...(form.validUntil ? { validUntil: form.validUntil } : {}),
	};
}

function BoundsFields({ form, onChange }: { form: BoundsForm; onChange: (form: BoundsForm) => void }) {
	const t = useText(text);
	const dates = [
		["from", t("people.bounds.from")],
		["until", t("people.bounds.until")],
		["validUntil", t("people.bounds.valid")],
	] as const;
	return (
		<FormFieldGroup header={<FormFieldGroupHeader titleText={{ text: t("people.bounds"), id: "bounds-title" }} titleDescription={t("people.bounds.text")} />}>
			<Lines id="bounds-domains" label={t("people.bounds.domains")} value={form.domains} onChange={(domains) => onChange({ ...form, domains })} />
			<Lines id="bounds-places" label={t("people.bounds.places")} value={form.places} onChange={(places) => onChange({ ...form, places })} />
			{dates.map(([name, label]) => (
				<FormGroup key={name} label={label} fieldId={`bounds-${name}`}>
					<DatePicker value={form[name]} onChange={(_, value) => onChange({ ...form, [name]: value })} inputProps={{ id: `bounds-${name}` }} aria-label={label} buttonAriaLabel={label} />
				</FormGroup>
			))}
		</FormFieldGroup>
	);
}

export function Person({ person, onKept, onClose }: { person: PersonRow | null; onKept: () => void; onClose: () => void }) {
	const t = useText(text);
	const app = useText(appText);
	const isFixed = person?.source === "fixed";
	const isOwn = !person || person.source === "own" || isFixed;
	const [name, setName] = useState(person?.name ?? "");
	const [shown, setShown] = useState(person?.shown ?? "");
	const [role, setRole] = useState<Role>(person?.role ?? "user");
	const [active, setActive] = useState(person?.active ?? true);
	const [addresses, setAddresses] = useState(toLines(person?.addresses ?? []));
	const [password, setPassword] = useState("");
	const [bounds, setBounds] = useState<BoundsForm>({
		domains: toLines(person?.bounds?.domains ?? []),
		places: toLines((person?.bounds?.sources ?? []).map(placeText)),
		from: person?.bounds?.from ?? "",
		until: person?.bounds?.until ?? "",
		validUntil: person?.bounds?.validUntil ?? "",
	});

	async function save() {
		const body: PersonOrder = {
			shown: shown.trim(),
			active,
			...(isFixed ? {} : { role }),
			...(isOwn && !isFixed ? { name: name.trim(), addresses: fromLines(addresses) } : {}),
			...(password ? { password } : {}),
			...(role === "revisor" ? { bounds: boundsOf(bounds) } : {}),
		};
		if (person) await api.patch("/admin/people/{person}", { path: { person: person.person }, body });
		else await api.post("/admin/people", { body });
		onKept();
	}

	return (
		<Sheet
			title={person ? t("people.edit", { name: person.name }) : t("people.add")}
			isReady={name.trim() !== "" && (person !== null || role === "uploader" || password !== "")}
			onSave={save}
			onClose={onClose}
		>
			<FormGroup label={t("people.name")} fieldId="person-name" isRequired>
				<TextInput id="person-name" value={name} onChange={(_, value) => setName(value)} maxLength={320} isRequired isDisabled={!isOwn || isFixed} autoComplete="off" />
			</FormGroup>
			<FormGroup label={t("people.shown")} fieldId="person-shown">
				<TextInput id="person-shown" value={shown} onChange={(_, value) => setShown(value)} maxLength={200} autoComplete="off" />
			</FormGroup>
			<FormGroup label={t("people.role")} fieldId="person-role">
				<FormSelect id="person-role" value={role} onChange={(_, value) => setRole(value as Role)} isDisabled={isFixed}>
					{ROLES.map((one) => (
						<FormSelectOption key={one} value={one} label={app(`role.${one}`)} />
					))}
				</FormSelect>
			</FormGroup>
			{isOwn && !isFixed && <Lines id="person-addresses" label={t("people.addresses")} value={addresses} onChange={setAddresses} />}
			{isOwn && role !== "uploader" && (
				<FormGroup label={person ? t("people.password.new") : t("people.password")} fieldId="person-password" isRequired={!person}>
					<TextInput id="person-password" type="password" value={password} onChange={(_, value) => setPassword(value)} maxLength={1024} autoComplete="new-password" />
					{person && (
						<FormHelperText>
							<HelperText>
								<HelperTextItem>{t("people.password.keep")}</HelperTextItem>
							</HelperText>
						</FormHelperText>
					)}
				</FormGroup>
			)}
			<Checkbox id="person-active" label={t("people.active")} isChecked={active} onChange={(_, on) => setActive(on)} />
			{role === "revisor" && <BoundsFields form={bounds} onChange={setBounds} />}
		</Sheet>
	);
}
