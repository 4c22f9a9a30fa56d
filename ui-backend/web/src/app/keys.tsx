// SPDX-License-Identifier: GPL-3.0-or-later
// Keys that work wherever nothing is being typed, and the list of them that ? shows.
import { useEffect, useRef, useSyncExternalStore } from "react";

export interface KeyUse {
	/* As KeyboardEvent.key has it: "j", "/", "Enter", "Escape", "?". */
	readonly key: string;
	readonly text: string;
	readonly run: (event: KeyboardEvent) => void;
	/* Also while a field has the focus. */
	readonly always?: boolean;
}

let stack: { current: readonly KeyUse[] }[] = [];
let shown: readonly KeyUse[] = [];
const listeners = new Set<() => void>();

function changed(): void {
	const byKey = new Map<string, KeyUse>();
	for (const uses of [...stack].reverse()) for (const use of uses.current) if (!byKey.has(use.key)) byKey.set(use.key, use);
	shown = [...byKey.values()];
	listeners.forEach((listener) => listener());
}

function isTyping(target: EventTarget | null): boolean {
	return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/* Enter and Space belong to what has the focus. */
function isTaken(event: KeyboardEvent): boolean {
	const target = event.target instanceof Element ? event.target : null;
	return (event.key === "Enter" || event.key === " ") && target?.closest("button, a, [role=menuitem], [role=option]") != null;
}

export function pressed(event: KeyboardEvent): void {
	if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
	if (document.querySelector("[role=dialog][aria-modal=true]") || isTaken(event)) return;
	const typing = isTyping(event.target);
	for (const uses of [...stack].reverse())
		for (const use of uses.current)
			if (use.key === event.key && (!typing || use.always)) {
				event.preventDefault();
				use.run(event);
				return;
			}
}
window.addEventListener("keydown", pressed);

/* The keys of a screen, while it is there. The newest screen comes first. */
export function useKeys(uses: readonly KeyUse[]): void {
	const kept = useRef(uses);
	useEffect(() => {
		kept.current = uses;
	});
	useEffect(() => {
		stack.push(kept);
		changed();
		return () => {
			stack = stack.filter((other) => other !== kept);
			changed();
		};
	}, []);
}

/* All keys of now, for the help. */
export function useAllKeys(): readonly KeyUse[] {
	return useSyncExternalStore(
		(listener) => {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		() => shown,
	);
}
