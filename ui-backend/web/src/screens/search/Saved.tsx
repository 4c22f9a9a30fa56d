// SPDX-License-Identifier: GPL-3.0-or-later
import { useId, useState } from "react";
import { Button, Form, FormGroup, Popover, TextInput } from "@patternfly/react-core";
import BookmarkIcon from "@patternfly/react-icons/dist/esm/icons/bookmark-icon";
import TrashIcon from "@patternfly/react-icons/dist/esm/icons/trash-icon";
import { api } from "#/api/client";
import { useAskAgain, useGet } from "#/api/useGet";
import { toast, toastProblem } from "#/app/toasts";
import { useText } from "#/i18n/catalogue";
import { Asked } from "#/parts/States";
import { text as partsText } from "#/parts/text";
import { text } from "./text";

export function Saved({ query, onSearch }: { query: string; onSearch: (query: string) => void }) {
	const t = useText(text);
	const parts = useText(partsText);
	const id = useId();
	const askAgain = useAskAgain();
	const [open, setOpen] = useState(false);
	const [name, setName] = useState("");
	const asked = useGet("/saved-searches", {}, { enabled: open });

	const save = async () => {
		try {
			await api.post("/saved-searches", { body: { name: name.trim(), query } });
			toast("success", t("saved.done"));
			setName("");
			askAgain("/saved-searches");
		} catch (reason) {
			toastProblem(reason);
		}
	};
	const drop = (search: number) =>
		api.delete("/saved-searches/{search}", { path: { search } }).then(() => askAgain("/saved-searches"), toastProblem);

	return (
		<Popover
			isVisible={open}
			shouldOpen={() => setOpen(true)}
			shouldClose={() => setOpen(false)}
			headerContent={t("saved")}
			headerComponent="h2"
			closeBtnAriaLabel={parts("close")}
			position="bottom-end"
			minWidth="18rem"
			bodyContent={
				<>
					<Asked of={asked}>
						{({ searches }) =>
							searches.length === 0 ? (
								<p className="sp-quiet">{t("saved.none")}</p>
							) : (
								<ul className="sp-saved">
									{searches.map((one) => (
										<li key={one.search}>
											<Button
												variant="link"
												isInline
												onClick={() => {
													setOpen(false);
													onSearch(one.query);
												}}
											>
												{one.name}
											</Button>
											<code className="sp-quiet">{one.query}</code>
											<Button variant="plain" size="sm" icon={<TrashIcon />} aria-label={t("saved.drop", { name: one.name })} onClick={() => void drop(one.search)} />
										</li>
									))}
								</ul>
							)
						}
					</Asked>
					{query && (
						<Form
							onSubmit={(event) => {
								event.preventDefault();
								if (name.trim()) void save();
							}}
						>
							<FormGroup label={t("saved.name")} fieldId={id}>
								<TextInput id={id} value={name} onChange={(_, value) => setName(value)} maxLength={100} />
							</FormGroup>
							<Button type="submit" variant="secondary" size="sm" isDisabled={!name.trim()}>
								{t("saved.save")}
							</Button>
						</Form>
					)}
				</>
			}
		>
			<Button variant="plain" size="sm" icon={<BookmarkIcon />} aria-label={t("saved")} title={t("saved")} />
		</Popover>
	);
}
