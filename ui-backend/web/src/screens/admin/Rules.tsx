// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent } from "react";
import { ActionGroup, Button, Checkbox, Form, FormGroup, NumberInput, PageSection, Radio } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Policy, Role } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { text as appText } from "#/app/text";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { PageTitle } from "#/parts/PageTitle";
import { Asked } from "#/parts/States";
import { LicenceCard } from "./Licence";
import { text } from "./text";

const MODES = ["off", "on", "approval"] as const;
const ROLES: readonly Role[] = ["user", "auditor", "revisor", "dataofficer", "admin"];
const NUMBERS = [
	["idleMinutes", "rules.idle", 1, 1440],
	["absoluteHours", "rules.absolute", 1, 720],
	["passwordLength", "rules.password", 8, 128],
] as const;

function Fields({ policy }: { policy: Policy }) {
	const t = useText(text);
	const app = useText(appText);
	const askAgain = useAskAgain();
	const [form, setForm] = useState(policy);
	const demanded = form.totpDemanded ?? [];
	const within = (value: number, min: number, max: number) => Math.min(max, Math.max(min, value || min));

	async function submit(event: FormEvent) {
		event.preventDefault();
		try {
			await api.patch("/admin/policy", { body: form });
			askAgain("/admin/policy");
			toast("success", t("saved"));
		} catch (reason) {
			toastProblem(reason);
		}
	}

	return (
		<Form onSubmit={submit} isWidthLimited>
			<FormGroup label={t("rules.deletion")} role="radiogroup" isStack>
				{MODES.map((mode) => (
					<Radio key={mode} id={`deletion-${mode}`} name="deletion" label={t(`rules.deletion.${mode}`)} isChecked={form.deletion === mode} onChange={() => setForm({ ...form, deletion: mode })} />
				))}
			</FormGroup>
			{NUMBERS.map(([name, label, min, max]) => {
				const value = form[name] ?? min;
				return (
					<FormGroup key={name} label={t(label)} fieldId={name}>
						<NumberInput
							id={name}
							inputAriaLabel={t(label)}
							value={value}
							min={min}
							max={max}
							onMinus={() => setForm({ ...form, [name]: within(value - 1, min, max) })}
							onPlus={() => setForm({ ...form, [name]: within(value + 1, min, max) })}
							onChange={(event) => setForm({ ...form, [name]: within(Number(event.currentTarget.value), min, max) })}
						/>
					</FormGroup>
				);
			})}
			<FormGroup label={t("rules.totp")} role="group" isStack>
				{ROLES.map((role) => (
					<Checkbox
						key={role}
						id={`totp-${role}`}
						label={app(`role.${role}`)}
						isChecked={demanded.includes(role)}
						onChange={(_, on) => setForm({ ...form, totpDemanded: on ? [...demanded, role] : demanded.filter((one) => one !== role) })}
					/>
				))}
			</FormGroup>
			<ActionGroup>
				<Button type="submit">{t("save")}</Button>
			</ActionGroup>
		</Form>
	);
}

export default function Rules() {
	const t = useText(text);
	const asked = useGet("/admin/policy", {});
	return (
		<>
			<PageTitle title={t("rules")} text={t("rules.text")} />
			<PageSection hasBodyWrapper={false}>
				<Asked of={asked}>{(policy) => <Fields policy={policy} />}</Asked>
			</PageSection>
			<PageSection hasBodyWrapper={false}>
				<LicenceCard />
			</PageSection>
		</>
	);
}
