// SPDX-License-Identifier: GPL-3.0-or-later
import { useEffect, useRef, type ReactNode } from "react";
import { Content, Flex, FlexItem, PageSection, Title } from "@patternfly/react-core";

/* The head of a screen. It takes the focus when the screen appears, so that a screen reader says where one is. */
export function PageTitle({ title, text, actions }: { title: string; text?: ReactNode; actions?: ReactNode }) {
	const heading = useRef<HTMLDivElement>(null);
	useEffect(() => heading.current?.focus({ preventScroll: true }), []);
	return (
		<PageSection hasBodyWrapper={false} className="sp-page-title">
			<Flex justifyContent={{ default: "justifyContentSpaceBetween" }} alignItems={{ default: "alignItemsCenter" }}>
				<FlexItem>
					<div ref={heading} tabIndex={-1} className="sp-focus-quiet">
						<Title headingLevel="h1" size="2xl">
							{title}
						</Title>
					</div>
				</FlexItem>
				{actions && <FlexItem>{actions}</FlexItem>}
			</Flex>
			{text && <Content component="p">{text}</Content>}
		</PageSection>
	);
}
