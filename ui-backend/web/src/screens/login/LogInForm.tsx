// SPDX-License-Identifier: GPL-3.0-or-later
// Name and password, then the one-time code where one is asked for. Also stands over a page whose session ended.
import { useEffect, useState, type FormEvent } from "react";
import { ActionGroup, Alert, Button, Content, Form, FormGroup, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import { problemOf, type Problem } from "#/api/problem";
import type { Session } from "#/api/types";
import { useText } from "#/i18n/catalogue";
import { problemTitle } from "#/parts/problemText";
import { SecretField } from "#/parts/SecretField";
import { text } from "./text";

/* Counts the seconds down that the server wants to be left alone. */
function useWait(): [number, (seconds: number) => void] {
	const [until, setUntil] = useState(0);
	const [left, setLeft] = useState(0);
	useEffect(() => {
		if (until === 0) return;
		const look = () => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
		look();
		const timer = setInterval(look, 250);
		return () => clearInterval(timer);
	}, [until]);
	return [left, (seconds) => setUntil(Date.now() + seconds * 1000)];
}

interface Props {
	/* Given where the session of somebody known has ended. */
	name?: string;
	onEntered: (session: Session) => void;
}

export function LogInForm({ name: known = "", onEntered }: Props) {
	const t = useText(text);
	const [name, setName] = useState(known);
	const [password, setPassword] = useState("");
	const [code, setCode] = useState("");
	const [asksCode, setAsksCode] = useState(false);
	const [failed, setFailed] = useState<Problem | null>(null);
	const [busy, setBusy] = useState(false);
	const [left, wait] = useWait();

	async function submit(event: FormEvent) {
		event.preventDefault();
		if (busy || left > 0) return;
		setBusy(true);
		setFailed(null);
		try {
			onEntered(await api.post("/session", { body: { name: name.trim(), password, ...(asksCode ? { code: code.trim() } : {}) } }));
		} catch (reason) {
			const problem = problemOf(reason);
			if (problem.code === "second-factor" && !asksCode) setAsksCode(true);
			else setFailed(problem);
			if (problem.retryAfter) wait(problem.retryAfter);
			setCode("");
		} finally {
			setBusy(false);
		}
	}

	function words(problem: Problem): string {
		if (problem.retryAfter) return left > 0 ? t("slow", { n: left }) : t("slow.again");
		if (problem.status === 401) return asksCode ? t("wrong.code") : t("wrong");
		return problemTitle(problem);
	}

	function back() {
		setAsksCode(false);
		setFailed(null);
		setPassword("");
	}

	return (
		<Form onSubmit={submit} aria-label={t("title")}>
			{failed && <Alert component="h2" variant={failed.retryAfter ? "warning" : "danger"} isInline isLiveRegion title={words(failed)} />}
			{asksCode ? (
				<FormGroup label={t("code")} fieldId="code">
					<TextInput
						key="code"
						id="code"
						value={code}
						onChange={(_, value) => setCode(value)}
						autoComplete="one-time-code"
						inputMode="text"
						autoCapitalize="off"
						spellCheck={false}
						maxLength={64}
						isRequired
						autoFocus
						aria-describedby="code-text"
						className="sp-code"
					/>
					<Content component="small" id="code-text">
						{t("code.text")}
					</Content>
				</FormGroup>
			) : (
				<>
					<FormGroup label={t("name")} fieldId="username">
						<TextInput
							id="username"
							name="username"
							value={name}
							onChange={(_, value) => setName(value)}
							autoComplete="username"
							autoCapitalize="off"
							spellCheck={false}
							maxLength={320}
							isRequired
							autoFocus={!known}
							{...(known ? { readOnlyVariant: "default" as const } : {})}
						/>
					</FormGroup>
					<FormGroup label={t("password")} fieldId="password">
						<SecretField id="password" value={password} onChange={setPassword} autoComplete="current-password" isRequired autoFocus={known !== ""} />
					</FormGroup>
				</>
			)}
			<ActionGroup>
				<Button type="submit" isBlock={!asksCode} isLoading={busy} isDisabled={left > 0}>
					{asksCode ? t("code.enter") : t("enter")}
				</Button>
				{asksCode && (
					<Button variant="link" onClick={back}>
						{t("code.back")}
					</Button>
				)}
			</ActionGroup>
		</Form>
	);
}
