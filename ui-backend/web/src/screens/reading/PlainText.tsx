// SPDX-License-Identifier: GPL-3.0-or-later
import { useMemo } from "react";
import { Marked, type Finder } from "#/parts/Marked";
import { plain } from "#/parts/mailText";

const LINK = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}]/gi;
const LINES_MAX = 20_000;

function Line({ text, find }: { text: string; find: Finder }) {
	const pieces = [];
	let at = 0;
	for (const link of text.matchAll(LINK)) {
		pieces.push(<Marked key={at} text={text.slice(at, link.index)} field="body" find={find} />);
		pieces.push(
			<a key={`a${at}`} href={link[0]} target="_blank" rel="noopener noreferrer nofollow">
				{link[0]}
			</a>,
		);
		at = link.index + link[0].length;
	}
	pieces.push(<Marked key={at} text={text.slice(at)} field="body" find={find} />);
	return <>{pieces}</>;
}

/* Plain text as it was written; what is quoted steps back, level by level. */
export function PlainText({ text, find }: { text: string; find: Finder }) {
	const lines = useMemo(() => plain(text).replace(/\r\n?/g, "\n").split("\n").slice(0, LINES_MAX), [text]);
	return (
		<div className="sp-plain" dir="auto">
			{lines.map((line, i) => {
				const level = (/^((?:>\s?)+)/.exec(line)?.[1]?.match(/>/g) ?? []).length;
				return (
					<div key={i} data-level={Math.min(level, 3) || undefined}>
						<Line text={line} find={find} />
						{line === "" ? "\u00a0" : ""}
					</div>
				);
			})}
		</div>
	);
}
