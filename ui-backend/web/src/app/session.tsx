// SPDX-License-Identifier: GPL-3.0-or-later
// Who is logged in. The answer of GET /session is asked for once, and replaced by what a log-in answers.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { api, setToken, whenExpired } from "#/api/client";
import type { Problem } from "#/api/problem";
import type { Person, Right, Session } from "#/api/types";
import { useGet } from "#/api/useGet";
import { chooseLanguage, languageChoice } from "#/i18n/catalogue";
import { chooseTheme, paintWith, themeChoice } from "./theme";

interface Here {
	readonly session: Session | undefined;
	readonly failed: Problem | null;
	/* The server has forgotten us while we were working: the page stays, and asks for the password over it. */
	readonly expired: boolean;
	readonly retry: () => void;
	readonly entered: (session: Session) => void;
	readonly leave: () => Promise<void>;
}

const Context = createContext<Here | null>(null);
const KEY = ["/session", {}];

function adopt(session: Session): void {
	setToken(session.person?.token ?? "");
	paintWith(session.appearance.colour);
	document.title = session.appearance.name || "Sealpost";
	if (!session.person) return;
	if (session.person.language !== languageChoice()) chooseLanguage(session.person.language);
	if (session.person.theme !== themeChoice()) chooseTheme(session.person.theme);
}

export function SessionProvider({ children }: { children: ReactNode }) {
	const client = useQueryClient();
	const [expired, setExpired] = useState(false);
	const [name, setName] = useState("");
	const asked = useGet("/session", {}, { staleTime: Infinity });

	useEffect(() => {
		if (asked.data) adopt(asked.data);
		if (asked.data?.person) setName(asked.data.person.name);
	}, [asked.data]);
	useEffect(() => whenExpired(() => setExpired(true)), []);

	const entered = useCallback(
		(session: Session) => {
			// Another person's mail must not be on the page for a moment.
			if (name && session.person?.name !== name) client.clear();
			adopt(session);
			client.setQueryData(KEY, session);
			setExpired(false);
			void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "/session" });
		},
		[client, name],
	);
	const leave = useCallback(async () => {
		await api.delete("/session").catch(() => {});
		setToken("");
		setExpired(false);
		setName("");
		client.clear();
		const session = await api.get("/session");
		client.setQueryData(KEY, session);
	}, [client]);

	const here = useMemo<Here>(
		() => ({ session: asked.data, failed: asked.error, expired, retry: () => void asked.refetch(), entered, leave }),
		[asked, expired, entered, leave],
	);
	return <Context value={here}>{children}</Context>;
}

export function useHere(): Here {
	const here = useContext(Context);
	if (!here) throw new Error("no SessionProvider");
	return here;
}

/* Inside the shell somebody is logged in. */
export function usePerson(): Person {
	const person = useHere().session?.person;
	if (!person) throw new Error("nobody is logged in");
	return person;
}

export function useMay(): (right: Right) => boolean {
	const { rights } = usePerson();
	return (right) => rights.includes(right);
}
