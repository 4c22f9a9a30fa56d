// SPDX-License-Identifier: GPL-3.0-or-later
// Short words in a corner: what was done, and what failed.
import { useSyncExternalStore, type ReactNode } from "react";
import { Alert, AlertActionCloseButton, AlertGroup } from "@patternfly/react-core";
import { problemOf } from "#/api/problem";
import { problemDetail, problemTitle } from "#/parts/problemText";

type Variant = "success" | "danger" | "warning" | "info";
interface Toast {
	readonly id: number;
	readonly variant: Variant;
	readonly title: string;
	readonly text?: ReactNode;
	readonly actions?: ReactNode;
}

let toasts: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function change(to: readonly Toast[]): void {
	toasts = to;
	listeners.forEach((listener) => listener());
}

function drop(id: number): void {
	change(toasts.filter((toast) => toast.id !== id));
}

export function toast(variant: Variant, title: string, text?: ReactNode, actions?: ReactNode): void {
	change([...toasts.slice(-3), { id: ++last, variant, title, text, actions }]);
}

/* For the catch of whatever a button does. */
export function toastProblem(reason: unknown): void {
	const problem = problemOf(reason);
	toast("danger", problemTitle(problem), problemDetail(problem));
}

export function Toasts({ closeLabel }: { closeLabel: string }) {
	const shown = useSyncExternalStore(
		(listener) => {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		() => toasts,
	);
	return (
		<AlertGroup isToast isLiveRegion>
			{shown.map(({ id, variant, title, text, actions }) => (
				<Alert
					component="h2"
					key={id}
					variant={variant}
					title={title}
					actionLinks={actions}
					timeout={variant === "danger" || actions ? false : 6000}
					onTimeout={() => drop(id)}
					actionClose={<AlertActionCloseButton aria-label={closeLabel} onClose={() => drop(id)} />}
				>
					{text}
				</Alert>
			))}
		</AlertGroup>
	);
}
