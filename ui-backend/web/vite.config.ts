// SPDX-License-Identifier: GPL-3.0-or-later
// The page is built into build/web. All addresses in it are relative, so that it works below any base
// path; only the development server, which hands /archive/api/ on to a running sealpost-api, has one.
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ command }) => ({
	base: command === "serve" ? "/archive/" : "./",
	logLevel: command === "build" ? "warn" : "info",
	plugins: [react()],
	resolve: { alias: { "#": here("./src") } },
	build: {
		outDir: process.env.SEALPOST_WEB_OUT ?? here("../../build/web"),
		emptyOutDir: true,
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		chunkSizeWarningLimit: 1000,
		target: "es2022",
		manifest: "manifest.json",
	},
	server: {
		proxy: {
			"/archive/api": { target: process.env.SEALPOST_API ?? "http://127.0.0.1:8080" },
		},
	},
}));
