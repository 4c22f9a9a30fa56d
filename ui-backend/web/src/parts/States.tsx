// SPDX-License-Identifier: GPL-3.0-or-later
// What stands where the content would: nothing there, not there yet, and could not be had.
import type { ComponentType, ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import { Bullseye, Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, Spinner } from "@patternfly/react-core";
import ExclamationTriangleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon";
import type { Problem } from "#/api/problem";
import { useText } from "#/i18n/catalogue";
import { problemDetail, problemTitle } from "./problemText";
import { text } from "./text";

interface EmptyProps {
	title: string;
	icon?: ComponentType;
	children?: ReactNode;
	actions?: ReactNode;
}

export function Empty({ title, icon, children, actions }: EmptyProps) {
	return (
		<EmptyState titleText={title} headingLevel="h2" variant="sm" {...(icon ? { icon } : {})}>
			{children && <EmptyStateBody>{children}</EmptyStateBody>}
			{actions && (
				<EmptyStateFooter>
					<EmptyStateActions>{actions}</EmptyStateActions>
				</EmptyStateFooter>
			)}
		</EmptyState>
	);
}

export function Failing({ problem, retry }: { problem: Problem; retry?: () => void }) {
	const t = useText(text);
	const detail = problemDetail(problem);
	return (
		<EmptyState titleText={problemTitle(problem)} headingLevel="h2" status="danger" variant="sm" icon={ExclamationTriangleIcon}>
			{detail && <EmptyStateBody>{detail}</EmptyStateBody>}
			{retry && (
				<EmptyStateFooter>
					<EmptyStateActions>
						<Button variant="secondary" onClick={retry}>
							{t("failing.retry")}
						</Button>
					</EmptyStateActions>
				</EmptyStateFooter>
			)}
		</EmptyState>
	);
}

export function Loading() {
	const t = useText(text);
	return (
		<Bullseye className="sp-loading">
			<Spinner aria-label={t("loading")} />
		</Bullseye>
	);
}

/* Waits for an answer and shows it: <Asked of={query}>{(data) => ...}</Asked>. */
export function Asked<T>({ of, children }: { of: UseQueryResult<T, Problem>; children: (data: T) => ReactNode }) {
	if (of.data !== undefined) return children(of.data);
	if (of.error) return <Failing problem={of.error} retry={() => void of.refetch()} />;
	return <Loading />;
}
