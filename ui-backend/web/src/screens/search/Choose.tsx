// SPDX-License-Identifier: GPL-3.0-or-later
// A button that opens a short menu.
import { useState, type ReactNode } from "react";
import { Dropdown, DropdownItem, DropdownList, MenuToggle } from "@patternfly/react-core";

export interface Choice {
	readonly text: string;
	readonly run: () => void;
	readonly icon?: ReactNode;
	readonly isDanger?: boolean;
}

interface Props {
	text: string;
	icon: ReactNode;
	choices: readonly Choice[];
	/* The icon alone. */
	plain?: boolean;
	/* Its words give way on a narrow screen. */
	shrinks?: boolean;
}

export function Choose({ text, icon, choices, plain = false, shrinks = false }: Props) {
	const [open, setOpen] = useState(false);
	return (
		<Dropdown
			isOpen={open}
			onOpenChange={setOpen}
			onSelect={() => setOpen(false)}
			popperProps={{ position: "right" }}
			toggle={(ref) => (
				<MenuToggle
					ref={ref}
					variant={plain ? "plain" : "secondary"}
					size="sm"
					isExpanded={open}
					aria-label={text}
					icon={icon}
					onClick={() => setOpen(!open)}
				>
					{plain ? null : <span className={shrinks ? "sp-wide-only" : ""}>{text}</span>}
				</MenuToggle>
			)}
		>
			<DropdownList>
				{choices.map((choice) => (
					<DropdownItem key={choice.text} icon={choice.icon} isDanger={choice.isDanger ?? false} onClick={choice.run}>
						{choice.text}
					</DropdownItem>
				))}
			</DropdownList>
		</Dropdown>
	);
}
