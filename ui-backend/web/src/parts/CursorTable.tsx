// SPDX-License-Identifier: GPL-3.0-or-later
import type { ReactNode } from "react";
import { Button } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useText } from "#/i18n/catalogue";
import { text } from "./text";

export interface Column<Row> {
	readonly title: string;
	readonly cell: (row: Row) => ReactNode;
	/* Numbers stand at the right. */
	readonly right?: boolean;
	readonly nowrap?: boolean;
}

interface Props<Row> {
	label: string;
	columns: readonly Column<Row>[];
	rows: readonly Row[];
	rowKey: (row: Row) => string | number;
	actions?: (row: Row) => ReactNode;
	empty?: ReactNode;
	/* There is more to be had. */
	more?: (() => void) | undefined;
	isLoadingMore?: boolean;
}

/* A list that grows at its end: lists page by cursor, so there is no "page 7 of 12". */
export function CursorTable<Row>(props: Props<Row>) {
	const { label, columns, rows, rowKey, actions, empty, more, isLoadingMore } = props;
	const t = useText(text);
	if (rows.length === 0) return empty ?? <p className="sp-quiet">{t("table.nothing")}</p>;
	return (
		<>
			<Table aria-label={label} variant="compact" gridBreakPoint="grid-md">
				<Thead>
					<Tr>
						{columns.map((column) => (
							<Th key={column.title} textCenter={false} className={column.right ? "sp-right" : ""}>
								{column.title}
							</Th>
						))}
						{actions && <Th screenReaderText={label} />}
					</Tr>
				</Thead>
				<Tbody>
					{rows.map((row) => (
						<Tr key={rowKey(row)}>
							{columns.map((column) => (
								<Td
									key={column.title}
									dataLabel={column.title}
									className={column.right ? "sp-right" : ""}
									modifier={column.nowrap ? "nowrap" : "breakWord"}
								>
									{column.cell(row)}
								</Td>
							))}
							{actions && <Td isActionCell>{actions(row)}</Td>}
						</Tr>
					))}
				</Tbody>
			</Table>
			{more && (
				<Button variant="link" onClick={more} isLoading={isLoadingMore ?? false} className="sp-more">
					{t("more")}
				</Button>
			)}
		</>
	);
}
