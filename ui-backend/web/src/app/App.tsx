// SPDX-License-Identifier: GPL-3.0-or-later
import { lazy, Suspense } from "react";
import { Bullseye, Modal, ModalBody, ModalHeader } from "@patternfly/react-core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { problemOf } from "#/api/problem";
import { useText } from "#/i18n/catalogue";
import { Failing, Loading } from "#/parts/States";
import { LogInForm } from "#/screens/login/LogInForm";
import { LogIn } from "#/screens/login/LogIn";
import { ErrorBoundary } from "./ErrorBoundary";
import { SessionProvider, useHere } from "./session";
import { Shell } from "./Shell";
import { text } from "./text";
import { Toasts } from "./toasts";

const Create = lazy(() => import("#/screens/setup/Create"));
const Wizard = lazy(() => import("#/screens/setup/Wizard"));
const DemandedTotp = lazy(() => import("#/screens/account/DemandedTotp"));

const client = new QueryClient({
	defaultOptions: {
		queries: {
			staleTime: 30_000,
			refetchOnWindowFocus: false,
			// What the server decided stays decided; what did not reach it is tried once more.
			retry: (count, reason) => count < 1 && ["unreachable", "server", "busy"].includes(problemOf(reason).code),
		},
	},
});

function Expired() {
	const t = useText(text);
	const { session, entered, leave } = useHere();
	return (
		<Modal isOpen variant="small" aria-labelledby="expired-title" onClose={() => void leave()}>
			<ModalHeader title={t("expired.title")} labelId="expired-title" description={t("expired.text")} />
			<ModalBody>
				<LogInForm name={session?.person?.name ?? ""} onEntered={entered} />
			</ModalBody>
		</Modal>
	);
}

function Screen() {
	const { session, failed, retry, expired } = useHere();
	if (!session) return <Bullseye className="sp-whole">{failed ? <Failing problem={failed} retry={retry} /> : <Loading />}</Bullseye>;
	if (!session.person) return session.noArchive ? <Create /> : <LogIn />;
	if (session.person.mustSetUpTotp) return <DemandedTotp />;
	if (session.setup && session.person.rights.includes("CONFIGURE")) return <Wizard />;
	return (
		<>
			<Shell key={session.person.name} />
			{expired && <Expired />}
		</>
	);
}

function Everything() {
	const t = useText(text);
	return (
		<>
			<Suspense fallback={<Loading />}>
				<Screen />
			</Suspense>
			<Toasts closeLabel={t("close")} />
		</>
	);
}

export function App() {
	return (
		<ErrorBoundary>
			<QueryClientProvider client={client}>
				<SessionProvider>
					<Everything />
				</SessionProvider>
			</QueryClientProvider>
		</ErrorBoundary>
	);
}
