// SPDX-License-Identifier: GPL-3.0-or-later
import { keepPreviousData, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { api, type Answer, type Args, type PathsWith } from "./client";
import type { Problem } from "./problem";

interface Options {
	enabled?: boolean;
	/* Milliseconds between two looks; false: one look. */
	every?: number | false;
	/* Show what was there until the new answer is. */
	keep?: boolean;
	staleTime?: number;
}

/* What a route answers, kept under its path and arguments. */
export function useGet<P extends PathsWith<"get">>(
	path: P,
	args?: Omit<Args<P, "get">, "signal">,
	options: Options = {},
): UseQueryResult<Answer<P, "get">, Problem> {
	return useQuery<Answer<P, "get">, Problem>({
		queryKey: [path, args ?? {}],
		queryFn: ({ signal }) =>
			(api.get as (path: P, args: object) => Promise<Answer<P, "get">>)(path, { ...args, signal }),
		enabled: options.enabled ?? true,
		refetchInterval: options.every ?? false,
		...(options.keep ? { placeholderData: keepPreviousData } : {}),
		...(options.staleTime !== undefined ? { staleTime: options.staleTime } : {}),
	});
}

/* Asks again for everything below these paths. */
export function useAskAgain(): (...paths: PathsWith<"get">[]) => void {
	const client = useQueryClient();
	return (...paths) => paths.forEach((path) => void client.invalidateQueries({ queryKey: [path] }));
}
