// SPDX-License-Identifier: GPL-3.0-or-later
import "@patternfly/react-core/dist/styles/base.css";
import "./app/app.css";
import "./app/theme";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";

const root = document.getElementById("root");
if (root)
	createRoot(root).render(
		<StrictMode>
			<App />
		</StrictMode>,
	);
