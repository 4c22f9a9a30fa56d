// SPDX-License-Identifier: GPL-3.0-or-later
// Puts a .gz and a .br next to each file that shrinks, so that the server never compresses; and measures what a
// first visit loads (page, script, style and the fonts it names): above the limit the build fails.
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const LIMIT = 450_000;
const SHRINKS = new Set([".html", ".js", ".css", ".svg", ".json", ".txt"]);
const root = process.env.SEALPOST_WEB_OUT ?? join(dirname(fileURLToPath(import.meta.url)), "../../../build/web");

function* files(folder) {
	for (const entry of readdirSync(folder, { withFileTypes: true })) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) yield* files(path);
		else if (!/\.(gz|br)$/.test(entry.name)) yield path;
	}
}

const sent = new Map();
for (const path of files(root)) {
	const bytes = readFileSync(path);
	let size = bytes.length;
	if (SHRINKS.has(extname(path)) && bytes.length > 512) {
		const gz = gzipSync(bytes, { level: 9 });
		const br = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
		writeFileSync(path + ".gz", gz);
		writeFileSync(path + ".br", br);
		size = gz.length; // what the older of the two gives is what counts
	}
	sent.set(path, size);
}

const manifest = JSON.parse(readFileSync(join(root, "manifest.json"), "utf8"));
const first = new Set([join(root, "index.html")]);
function visit(name) {
	const chunk = manifest[name];
	const path = join(root, chunk.file);
	if (first.has(path)) return;
	first.add(path);
	for (const css of chunk.css ?? []) first.add(join(root, css));
	for (const other of chunk.imports ?? []) visit(other);
}
visit("index.html");
// The regular and the medium-weight cuts of the text face are what an ordinary page draws with.
for (const path of sent.keys()) if (/RedHat(Text|Display)VF-(?!Italic)/.test(basename(path))) first.add(path);

const total = [...first].reduce((sum, path) => sum + (sent.get(path) ?? statSync(path).size), 0);
for (const path of [...first].sort()) console.log(`${String(sent.get(path)).padStart(9)}  ${path.slice(root.length + 1)}`);
console.log(`${String(total).padStart(9)}  first load, compressed; at most ${LIMIT}`);
if (total > LIMIT) {
	console.error("The first load has become too large: load something by screen.");
	process.exit(1);
}
