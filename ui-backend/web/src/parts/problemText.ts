// SPDX-License-Identifier: GPL-3.0-or-later
// A problem's code in the reader's language. What the server says in detail is added where it says more: it is
// written for people, and may be English.
import type { Problem } from "#/api/problem";
import { language, say } from "#/i18n/catalogue";
import { text } from "./text";

const KNOWN = {
	unreachable: "problem.unreachable",
	server: "problem.server",
	answer: "problem.answer",
	page: "problem.page",
	"not-found": "problem.not-found",
	exists: "problem.exists",
	denied: "problem.denied",
	"no-space": "problem.no-space",
	offline: "problem.offline",
	timeout: "problem.timeout",
	busy: "problem.busy",
	io: "problem.io",
	unsure: "problem.unsure",
	damaged: "problem.damaged",
	"wrong-key": "problem.wrong-key",
	foreign: "problem.foreign",
	version: "problem.version",
	"too-big": "problem.too-big",
	"not-mail": "problem.not-mail",
	erased: "problem.erased",
	unsupported: "problem.unsupported",
	stopped: "problem.stopped",
	expired: "problem.expired",
	usage: "problem.usage",
	syntax: "problem.syntax",
	licence: "problem.licence",
} as const;

export function problemTitle(problem: Problem): string {
	const t = say(text, language());
	const key = KNOWN[problem.code as keyof typeof KNOWN];
	return key ? t(key) : problem.title || t("problem.answer");
}

export function problemDetail(problem: Problem): string {
	return problem.detail === problem.title ? "" : problem.detail;
}
