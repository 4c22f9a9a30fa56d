// SPDX-License-Identifier: GPL-3.0-or-later
// The one way to the server. Paths, parameters, bodies and answers are those of openapi.yaml: what is not in there
// does not compile. Whatever changes something carries the session's token, which no foreign page can know.
import type { paths } from "./schema.gen";
import { Problem } from "./problem";
import type { ProblemBody } from "./types";

type Method = "get" | "post" | "put" | "patch" | "delete";
export type PathsWith<M extends Method> = {
	[P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never;
}[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P] extends { [K in M]: infer O } ? O : never;

type Json<R> = R extends { content: { "application/json": infer Body } } ? Body : undefined;
type Good = 200 | 201 | 202 | 204;
export type Answer<P extends keyof paths, M extends Method> =
	Operation<P, M> extends { responses: infer R } ? { [S in keyof R]: S extends Good ? Json<R[S]> : never }[keyof R] : never;

type PathArgs<O> = O extends { parameters: { path: infer A } } ? { path: A } : { path?: undefined };
type QueryArgs<O> = O extends { parameters: { query?: infer A } } ? { query?: A } : { query?: undefined };
type BodyArgs<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? { body: B } : { body?: undefined };
export type Args<P extends keyof paths, M extends Method> = PathArgs<Operation<P, M>> &
	QueryArgs<Operation<P, M>> &
	BodyArgs<Operation<P, M>> & { signal?: AbortSignal; headers?: Record<string, string> };
/* Nothing to say is nothing to write. */
export type Rest<A> = Record<string, never> extends A ? [args?: A] : [args: A];

let token = "";
let onExpired: () => void = () => {};

export function setToken(value: string): void {
	token = value;
}

/* Called when the server no longer knows who we are. */
export function whenExpired(call: () => void): void {
	onExpired = call;
}

const root = new URL("api/v1", document.baseURI.replace(/#.*$/, "")).href;

/* The address of a route, for links and downloads. */
export function address(path: string, args: { path?: object; query?: object } = {}): string {
	const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
		encodeURIComponent(String((args.path as Record<string, unknown>)[name])),
	);
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(args.query ?? {}))
		if (value !== undefined && value !== null) query.set(name, String(value));
	const text = query.toString();
	return root + filled + (text ? "?" + text : "");
}

async function problemIn(response: Response): Promise<Problem> {
	const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
	try {
		const body = (await response.json()) as ProblemBody;
		return new Problem({ retryAfter, ...body });
	} catch {
		return new Problem({ code: response.status >= 500 ? "server" : "answer", status: response.status, retryAfter });
	}
}

async function send(method: Method, url: string, args: { body?: unknown; signal?: AbortSignal; headers?: object }) {
	const headers: Record<string, string> = { Accept: "application/json", ...args.headers };
	if (args.body !== undefined) headers["Content-Type"] = "application/json";
	if (method !== "get" && token) headers["X-Sealpost-Token"] = token;
	let response: Response;
	try {
		response = await fetch(url, {
			method: method.toUpperCase(),
			headers,
			body: args.body === undefined ? null : JSON.stringify(args.body),
			signal: args.signal ?? null,
			credentials: "same-origin",
			redirect: "error",
		});
	} catch (reason) {
		if (args.signal?.aborted) throw reason;
		throw new Problem({ code: "unreachable" });
	}
	if (response.ok) return response;
	const problem = await problemIn(response);
	if (problem.status === 401 && token) onExpired();
	throw problem;
}

async function call(method: Method, path: string, args: { path?: object; query?: object; body?: unknown; signal?: AbortSignal; headers?: Record<string, string> } = {}): Promise<unknown> {
	const response = await send(method, address(path, args), args);
	if (response.status === 204) return undefined;
	return response.json();
}

type Caller<M extends Method> = <P extends PathsWith<M>>(path: P, ...rest: Rest<Args<P, M>>) => Promise<Answer<P, M>>;
const caller = <M extends Method>(method: M) =>
	((path: string, args?: Parameters<typeof call>[2]) => call(method, path, args)) as unknown as Caller<M>;

export const api = {
	get: caller("get"),
	post: caller("post"),
	put: caller("put"),
	patch: caller("patch"),
	delete: caller("delete"),
	/* What is no JSON. */
	async text(path: PathsWith<"get">, args: { path?: object; query?: object; signal?: AbortSignal }): Promise<string> {
		return (await send("get", address(path, args), { ...args, headers: { Accept: "text/plain" } })).text();
	},
	async blob(path: PathsWith<"get">, args: { path?: object; query?: object; signal?: AbortSignal }): Promise<Blob> {
		return (await send("get", address(path, args), { ...args, headers: { Accept: "*/*" } })).blob();
	},
};

/* Lets the browser fetch and keep a file; the server names it. */
export function download(path: PathsWith<"get">, args: { path?: object; query?: object } = {}): void {
	const link = document.createElement("a");
	link.href = address(path, args);
	link.download = "";
	document.body.append(link);
	link.click();
	link.remove();
}
