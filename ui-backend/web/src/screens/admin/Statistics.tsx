// SPDX-License-Identifier: GPL-3.0-or-later
import { useState } from "react";
import { Alert, PageSection, ToggleGroup, ToggleGroupItem } from "@patternfly/react-core";
import type { Statistics as Figures } from "#/api/types";
import { useGet } from "#/api/useGet";
import { useText } from "#/i18n/catalogue";
import { day, number, size } from "#/i18n/format";
import { PageTitle } from "#/parts/PageTitle";
import { Asked } from "#/parts/States";
import { Block } from "#/screens/account/Account";
import { text } from "./text";
import "./admin.css";

interface Bar {
	readonly day: string;
	readonly value: number;
}

/* One bar a day. The figures stand in a table for who does not see bars. */
function Bars({ title, bars, shown }: { title: string; bars: readonly Bar[]; shown: (value: number) => string }) {
	const t = useText(text);
	const most = bars.reduce((best, bar) => (bar.value > best.value ? bar : best), bars[0] ?? { day: "", value: 0 });
	const width = 100 / Math.max(1, bars.length);
	return (
		<Block title={title}>
			<svg viewBox="0 0 100 24" preserveAspectRatio="none" className="sp-bars" role="img" aria-label={title}>
				{bars.map((bar, at) => {
					const height = most.value > 0 ? (bar.value / most.value) * 24 : 0;
					return (
						<rect key={bar.day} x={at * width} y={24 - height} width={width * 0.8} height={height}>
							<title>{`${day(bar.day)}: ${shown(bar.value)}`}</title>
						</rect>
					);
				})}
			</svg>
			<div className="sp-bars-foot">
				<span>{day(bars[0]?.day)}</span>
				<span>{t("statistics.most", { value: shown(most.value), day: day(most.day) })}</span>
				<span>{day(bars[bars.length - 1]?.day)}</span>
			</div>
			<table className="sp-only-read">
				<caption>{title}</caption>
				<tbody>
					{bars.map((bar) => (
						<tr key={bar.day}>
							<th scope="row">{day(bar.day)}</th>
							<td>{shown(bar.value)}</td>
						</tr>
					))}
				</tbody>
			</table>
		</Block>
	);
}

function Forecast({ forecast }: { forecast: NonNullable<Figures["forecast"]> }) {
	const t = useText(text);
	if (forecast.medium === undefined || forecast.freeBytes === undefined) return null;
	const common = { medium: forecast.medium, free: size(forecast.freeBytes) };
	return forecast.fullOn && forecast.bytesPerDay ? (
		<Alert component="h2" isInline variant="info" title={t("statistics.forecast", { ...common, daily: size(forecast.bytesPerDay), day: day(forecast.fullOn) })} />
	) : (
		<Alert component="h2" isInline variant="info" title={t("statistics.forecast.open", common)} />
	);
}

export default function Statistics() {
	const t = useText(text);
	const [days, setDays] = useState(30);
	const asked = useGet("/admin/statistics", { query: { days } }, { keep: true });
	return (
		<>
			<PageTitle
				title={t("statistics")}
				text={t("statistics.text")}
				actions={
					<ToggleGroup aria-label={t("statistics")}>
						{[30, 90, 365].map((n) => (
							<ToggleGroupItem key={n} text={t("statistics.days", { n })} isSelected={days === n} onChange={() => setDays(n)} />
						))}
					</ToggleGroup>
				}
			/>
			<PageSection hasBodyWrapper={false} className="sp-blocks">
				<Asked of={asked}>
					{(figures) => (
						<>
							{figures.forecast && <Forecast forecast={figures.forecast} />}
							{figures.days.length === 0 && <p className="sp-quiet">{t("statistics.none")}</p>}
							{figures.days.length > 0 && (
								<>
									<Bars title={t("statistics.mails")} bars={figures.days.map((one) => ({ day: one.day, value: one.mails }))} shown={number} />
									<Bars title={t("statistics.bytes")} bars={figures.days.map((one) => ({ day: one.day, value: one.bytes }))} shown={size} />
									<Bars title={t("statistics.searches")} bars={figures.days.map((one) => ({ day: one.day, value: one.searches }))} shown={number} />
								</>
							)}
						</>
					)}
				</Asked>
			</PageSection>
		</>
	);
}
