// SPDX-License-Identifier: GPL-3.0-or-later
import { useState, type FormEvent } from "react";
import { ActionGroup, Button, FileUpload, Form, FormGroup, PageSection, TextInput } from "@patternfly/react-core";
import { api } from "#/api/client";
import type { Appearance as Look } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { PageTitle } from "#/parts/PageTitle";
import { Asked } from "#/parts/States";
import { text } from "./text";

async function base64(file: File): Promise<string> {
	const bytes = new Uint8Array(await file.arrayBuffer());
	let binary = "";
	for (const byte of bytes) binary += String.fromCharCode(byte);
	return btoa(binary);
}

function Fields({ look }: { look: Look }) {
	const t = useText(text);
	const askAgain = useAskAgain();
	const [name, setName] = useState(look.name);
	const [colour, setColour] = useState(look.colour);
	const [logo, setLogo] = useState<File | null | undefined>(undefined);

	async function submit(event: FormEvent) {
		event.preventDefault();
		try {
			await api.put("/admin/appearance", { body: { name: name.trim(), colour, ...(logo === undefined ? {} : { logo: logo ? await base64(logo) : null }) } });
			askAgain("/admin/appearance");
			askAgain("/session");
			toast("success", t("saved"));
		} catch (reason) {
			toastProblem(reason);
		}
	}

	return (
		<Form onSubmit={submit} isWidthLimited>
			<FormGroup label={t("appearance.name")} fieldId="look-name">
				<TextInput id="look-name" value={name} onChange={(_, value) => setName(value)} maxLength={60} />
			</FormGroup>
			<FormGroup label={t("appearance.colour")} fieldId="look-colour">
				<input id="look-colour" type="color" value={colour || "#0066cc"} onChange={(event) => setColour(event.currentTarget.value)} />{" "}
				<Button variant="link" isInline isDisabled={!colour} onClick={() => setColour("")}>
					{t("appearance.colour.none")}
				</Button>
			</FormGroup>
			<FormGroup label={t("appearance.logo")} fieldId="look-logo">
				<FileUpload
					id="look-logo"
					browseButtonText={t("add")}
					clearButtonText={t("appearance.logo.none")}
					hideDefaultPreview
					filename={logo?.name ?? ""}
					dropzoneProps={{ accept: { "image/png": [".png"] }, maxSize: 280_000 }}
					onFileInputChange={(_, file) => setLogo(file)}
					onClearClick={() => setLogo(null)}
					isClearButtonDisabled={!look.hasLogo && !logo}
				/>
			</FormGroup>
			<ActionGroup>
				<Button type="submit">{t("save")}</Button>
			</ActionGroup>
		</Form>
	);
}

export default function Appearance() {
	const t = useText(text);
	const asked = useGet("/admin/appearance", {});
	return (
		<>
			<PageTitle title={t("appearance")} text={t("appearance.text")} />
			<PageSection hasBodyWrapper={false}>
				<Asked of={asked}>{(look) => <Fields look={look} />}</Asked>
			</PageSection>
		</>
	);
}
