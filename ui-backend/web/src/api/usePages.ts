// SPDX-License-Identifier: GPL-3.0-or-later
import { useInfiniteQuery } from "@tanstack/react-query";
import { api, type Answer, type Args, type PathsWith } from "./client";
import type { Problem } from "./problem";

const none: never[] = [];

export interface Pages<Page> {
	readonly pages: readonly Page[];
	/* Asks for the next page; undefined: these are all. */
	readonly more: (() => void) | undefined;
	readonly error: Problem | null;
	readonly isPending: boolean;
	readonly isFetching: boolean;
	readonly isFetchingNextPage: boolean;
	readonly refetch: () => unknown;
}

/* A list that pages by cursor: all pages that were asked for so far, and a way to the next one. */
export function usePages<P extends PathsWith<"get">>(
	path: P,
	args: Omit<Args<P, "get">, "signal">,
	{ enabled = true, staleTime }: { enabled?: boolean; staleTime?: number } = {},
): Pages<Answer<P, "get">> {
	type Page = Answer<P, "get">;
	const asked = useInfiniteQuery<Page, Problem, { pages: Page[] }, unknown[], string | undefined>({
		queryKey: [path, args, "pages"],
		queryFn: ({ signal, pageParam }) =>
			(api.get as (path: P, args: object) => Promise<Page>)(path, {
				...args,
				query: { ...(args as { query?: object }).query, cursor: pageParam },
				signal,
			}),
		initialPageParam: undefined,
		getNextPageParam: (page) => (page as { next?: string }).next,
		enabled,
		...(staleTime !== undefined ? { staleTime } : {}),
	});
	return {
		pages: asked.data?.pages ?? none,
		more: asked.hasNextPage
			? () => {
					if (!asked.isFetchingNextPage) void asked.fetchNextPage();
				}
			: undefined,
		error: asked.error,
		isPending: asked.isPending,
		isFetching: asked.isFetching,
		isFetchingNextPage: asked.isFetchingNextPage,
		refetch: asked.refetch,
	};
}
