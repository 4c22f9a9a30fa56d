// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type ReactNode } from "react";
import {
	Button,
	Card,
	CardBody,
	CardTitle,
	DescriptionList,
	DescriptionListDescription,
	DescriptionListGroup,
	DescriptionListTerm,
	FormSelect,
	FormSelectOption,
	Label,
	LabelGroup,
	PageSection,
} from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Me } from "#/api/types";
import { useGet } from "#/api/useGet";
import { useHere } from "#/app/session";
import { text as appText } from "#/app/text";
import { chooseTheme, themeChoice } from "#/app/theme";
import { toastProblem } from "#/app/toasts";
import { chooseLanguage, languageChoice, useText } from "#/i18n/catalogue";
import { ago, dateTime, day } from "#/i18n/format";
import { ConfirmWord } from "#/parts/ConfirmWord";
import { CursorTable } from "#/parts/CursorTable";
import { PageTitle } from "#/parts/PageTitle";
import { Asked } from "#/parts/States";
import { Password } from "./Password";
import { text } from "./text";
import { Tokens } from "./Tokens";
import { Totp } from "./Totp";
import "./account.css";

export function Block({ title, children }: { title: string; children: ReactNode }) {
	return (
		<Card component="section" aria-label={title}>
			<CardTitle component="h2">{title}</CardTitle>
			<CardBody>{children}</CardBody>
		</Card>
	);
}

function Term({ name, children }: { name: string; children: ReactNode }) {
	return (
		<DescriptionListGroup>
			<DescriptionListTerm>{name}</DescriptionListTerm>
			<DescriptionListDescription>{children}</DescriptionListDescription>
		</DescriptionListGroup>
	);
}

function Bounds({ bounds }: { bounds: NonNullable<Me["bounds"]> }) {
	const t = useText(text);
	const lines = [
		bounds.domains?.length && t("bounds.domains", { list: bounds.domains.join(", ") }),
		bounds.sources?.length && t("bounds.sources", { list: bounds.sources.map((one) => [one.source, one.folder].filter(Boolean).join("/")).join(", ") }),
		bounds.from && t("bounds.from", { day: day(bounds.from) }),
		bounds.until && t("bounds.until", { day: day(bounds.until) }),
		bounds.validUntil && t("bounds.valid", { day: day(bounds.validUntil) }),
	].filter((line): line is string => Boolean(line));
	if (lines.length === 0) return null;
	return (
		<Term name={t("bounds")}>
			{lines.map((line) => (
				<div key={line}>{line}</div>
			))}
		</Term>
	);
}

function Identity({ me }: { me: Me }) {
	const t = useText(text);
	const app = useText(appText);
	const labels = (values: readonly string[]) =>
		values.length === 0 ? (
			t("addresses.none")
		) : (
			<LabelGroup numLabels={20}>
				{values.map((value) => (
					<Label key={value} variant="outline">
						{value}
					</Label>
				))}
			</LabelGroup>
		);
	return (
		<Block title={t("person")}>
			<DescriptionList isHorizontal isCompact>
				<Term name={t("name")}>{me.shown && me.shown !== me.name ? `${me.shown} (${me.name})` : me.name}</Term>
				<Term name={t("role")}>{app(`role.${me.role}`)}</Term>
				<Term name={t("source")}>{t(`source.${me.source}`)}</Term>
				<Term name={t("addresses")}>{labels(me.addresses)}</Term>
				{me.groups.length > 0 && <Term name={t("groups")}>{labels(me.groups)}</Term>}
				{me.bounds && <Bounds bounds={me.bounds} />}
			</DescriptionList>
		</Block>
	);
}

function Look() {
	const t = useText(text);
	const [, drawn] = useState(0);
	const keep = (body: { language?: "" | "de" | "en"; theme?: "" | "light" | "dark" }) => {
		if (body.language !== undefined) chooseLanguage(body.language);
		if (body.theme !== undefined) chooseTheme(body.theme);
		drawn((n) => n + 1);
		api.patch("/me", { body }).catch(toastProblem);
	};
	return (
		<Block title={t("look")}>
			<DescriptionList isHorizontal isCompact>
				<Term name={t("look.language")}>
					<FormSelect aria-label={t("look.language")} value={languageChoice()} onChange={(_, value) => keep({ language: value as "" })}>
						<FormSelectOption value="" label={t("look.language.browser")} />
						<FormSelectOption value="de" label="Deutsch" />
						<FormSelectOption value="en" label="English" />
					</FormSelect>
				</Term>
				<Term name={t("look.theme")}>
					<FormSelect aria-label={t("look.theme")} value={themeChoice()} onChange={(_, value) => keep({ theme: value as "" })}>
						<FormSelectOption value="" label={t("look.theme.system")} />
						<FormSelectOption value="light" label={t("look.theme.light")} />
						<FormSelectOption value="dark" label={t("look.theme.dark")} />
					</FormSelect>
				</Term>
			</DescriptionList>
		</Block>
	);
}

function Sessions() {
	const t = useText(text);
	const { leave } = useHere();
	const [asks, setAsks] = useState(false);
	const asked = useGet("/sessions", {});
	const everywhere = async () => {
		await api.delete("/sessions");
		await leave();
	};
	return (
		<Block title={t("sessions")}>
			<Asked of={asked}>
				{({ sessions }) => (
					<CursorTable
						label={t("sessions")}
						rows={sessions}
						rowKey={(row) => `${row.begun} ${row.peer}`}
						columns={[
							{ title: t("sessions.peer"), cell: (row) => row.peer },
							{ title: t("sessions.begun"), cell: (row) => dateTime(row.begun) },
							{ title: t("sessions.used"), cell: (row) => (row.current ? <Label color="green">{t("sessions.current")}</Label> : ago(row.used)) },
						]}
					/>
				)}
			</Asked>
			<Button variant="secondary" className="sp-gap-above" onClick={() => setAsks(true)}>
				{t("sessions.all")}
			</Button>
			{asks && (
				<ConfirmWord title={t("sessions.all")} action={t("sessions.all")} onConfirm={everywhere} onClose={() => setAsks(false)}>
					{t("sessions.all.text")}
				</ConfirmWord>
			)}
		</Block>
	);
}

export default function Account() {
	const t = useText(text);
	const asked = useGet("/me", {});
	return (
		<>
			<PageTitle title={t("title")} />
			<PageSection hasBodyWrapper={false} isFilled>
				<Asked of={asked}>
					{(me) => (
						<div className="sp-columns">
							<div>
								<Identity me={me} />
								<Look />
								<Totp me={me} />
							</div>
							<div>
								{me.canChangePassword && <Password />}
								<Sessions />
								<Tokens me={me} />
							</div>
						</div>
					)}
				</Asked>
			</PageSection>
		</>
	);
}
