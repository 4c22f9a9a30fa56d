// SPDX-License-Identifier: GPL-3.0-or-later
import { MenuToggle } from "@patternfly/react-core";
import EllipsisVIcon from "@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon";
import { ActionsColumn } from "@patternfly/react-table";

export interface RowAction {
	readonly title: string;
	readonly run: () => void;
	readonly isDanger?: boolean;
	readonly isDisabled?: boolean;
}

/* What can be done with a row, behind three dots at its end. False ones are left out. */
export function RowActions({ label, of }: { label: string; of: readonly (RowAction | false | undefined)[] }) {
	const items = of.filter((one): one is RowAction => Boolean(one));
	if (items.length === 0) return null;
	return (
		<ActionsColumn
			items={items.map(({ title, run, isDanger, isDisabled }) => ({ title, onClick: run, isDanger: isDanger ?? false, isDisabled: isDisabled ?? false }))}
			popperProps={{ position: "right" }}
			actionsToggle={({ onToggle, isOpen, toggleRef }) => (
				<MenuToggle ref={toggleRef} variant="plain" onClick={onToggle} isExpanded={isOpen} aria-label={label} icon={<EllipsisVIcon />} />
			)}
		/>
	);
}
