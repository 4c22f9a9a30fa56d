// SPDX-License-Identifier: GPL-3.0-or-later
import type { ProblemBody } from "./types";

/* What the server said when it did not do something (RFC 9457), or that it did not answer ("unreachable"). */
export class Problem extends Error {
	readonly code: string;
	readonly status: number;
	readonly title: string;
	readonly detail: string;
	readonly retryAfter: number | undefined;

	constructor(body: Partial<ProblemBody> & { code: string }) {
		super(body.detail || body.title || body.code);
		this.name = "Problem";
		this.code = body.code;
		this.status = body.status ?? 0;
		this.title = body.title ?? "";
		this.detail = body.detail ?? "";
		this.retryAfter = body.retryAfter;
	}
}

export function problemOf(reason: unknown): Problem {
	if (reason instanceof Problem) return reason;
	return new Problem({ code: "page", detail: reason instanceof Error ? reason.message : String(reason) });
}
