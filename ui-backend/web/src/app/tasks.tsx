// SPDX-License-Identifier: GPL-3.0-or-later
// Long work: the server does it, whether anybody looks or not. Here it is begun, watched, and its result fetched.
import { useEffect, useRef } from "react";
import { useQueryClient } from "@tanstack/react-query";
import {
	Button,
	NotificationDrawer,
	NotificationDrawerBody,
	NotificationDrawerHeader,
	Progress,
	ProgressMeasureLocation,
} from "@patternfly/react-core";
import { address, api } from "#/api/client";
import type { Task, TaskOrder } from "#/api/types";
import { useAskAgain, useGet } from "#/api/useGet";
import { useText } from "#/i18n/catalogue";
import { dateTime, size } from "#/i18n/format";
import { Empty } from "#/parts/States";
import { text } from "./text";
import { toast, toastProblem } from "./toasts";

const isOpen = (task: Task) => task.state === "waiting" || task.state === "running";

/* The person's tasks, looked at again while one of them runs. */
export function useTasks(): readonly Task[] {
	const client = useQueryClient();
	const running = (client.getQueryData<{ tasks: Task[] }>(["/tasks", {}])?.tasks ?? []).some(isOpen);
	return useGet("/tasks", {}, { every: running ? 1500 : false }).data?.tasks ?? [];
}

/* Begins a task and says so; true when it was begun. */
export function useStartTask(): (order: TaskOrder) => Promise<boolean> {
	const t = useText(text);
	const client = useQueryClient();
	return async (order) => {
		try {
			const task = await api.post("/tasks", { body: order });
			client.setQueryData<{ tasks: Task[] }>(["/tasks", {}], (old) => ({ tasks: [task, ...(old?.tasks ?? [])] }));
			toast("info", t("tasks.begun", { kind: t(`tasks.${order.kind}`) }), t("tasks.begun.text"));
			void client.invalidateQueries({ queryKey: ["/tasks"] });
			return true;
		} catch (reason) {
			toastProblem(reason);
			return false;
		}
	};
}

function Result({ task }: { task: Task }) {
	const t = useText(text);
	if (!task.result) return null;
	return (
		<Button
			component="a"
			variant="link"
			isInline
			href={address("/tasks/{task}/result", { path: { task: task.id } })}
			download
		>
			{t("tasks.download", { name: task.result.name, size: size(task.result.size) })}
		</Button>
	);
}

/* Says once when a task has ended that was seen running. */
export function useTaskNews(tasks: readonly Task[]): void {
	const t = useText(text);
	const askAgain = useAskAgain();
	const open = useRef(new Set<string>());
	useEffect(() => {
		for (const task of tasks) {
			if (isOpen(task)) open.current.add(task.id);
			else if (open.current.delete(task.id)) {
				const kind = t(`tasks.${task.kind}`);
				if (task.state === "done") toast("success", t("tasks.ready", { kind }), task.text, <Result task={task} />);
				else if (task.state === "failed") toast("danger", t("tasks.broke", { kind }), task.text);
				if (task.kind === "categorise" || task.kind === "requestDeletion")
					askAgain("/mails", "/mails/{id}", "/categories", "/deletion-requests");
			}
		}
	}, [tasks, t, askAgain]);
}

function Meter({ task }: { task: Task }) {
	const t = useText(text);
	const known = task.total !== undefined && task.total > 0;
	const label = task.state === "waiting" ? t("tasks.waiting") : known
		? t("tasks.progress", { done: task.done, total: task.total ?? 0 })
		: t("tasks.progress.open", { done: task.done });
	return (
		<Progress
			aria-label={t(`tasks.${task.kind}`)}
			size="sm"
			value={known ? (100 * task.done) / (task.total ?? 1) : 0}
			label={label}
			valueText={label}
			measureLocation={ProgressMeasureLocation.outside}
		/>
	);
}

function Row({ task }: { task: Task }) {
	const t = useText(text);
	const askAgain = useAskAgain();
	const drop = () =>
		api
			.delete("/tasks/{task}", { path: { task: task.id } })
			.then(() => askAgain("/tasks"), toastProblem);
	return (
		<li className="sp-task">
			<div className="sp-task-head">
				<strong>{t(`tasks.${task.kind}`)}</strong>
				<span className="sp-quiet">{dateTime(task.made)}</span>
			</div>
			{isOpen(task) ? <Meter task={task} /> : <div className={task.state === "failed" ? "sp-bad" : ""}>{t(`tasks.${task.state as "done"}`)}</div>}
			{task.text && <div className="sp-quiet">{task.text}</div>}
			<Result task={task} />
			{task.result && <div className="sp-quiet">{t("tasks.until", { time: dateTime(task.result.until) })}</div>}
			<Button variant="link" isInline onClick={drop}>
				{isOpen(task) ? t("tasks.stop") : t("tasks.forget")}
			</Button>
		</li>
	);
}

export function TaskDrawer({ tasks, onClose }: { tasks: readonly Task[]; onClose: () => void }) {
	const t = useText(text);
	const head = useRef<HTMLDivElement>(null);
	useEffect(() => head.current?.focus(), []);
	return (
		<NotificationDrawer ref={head} tabIndex={-1} aria-label={t("tasks")} className="sp-focus-quiet">
			<NotificationDrawerHeader title={t("tasks")} onClose={onClose} closeButtonAriaLabel={t("close")} />
			<NotificationDrawerBody>
				{tasks.length === 0 ? (
					<Empty title={t("tasks.none")}>{t("tasks.none.text")}</Empty>
				) : (
					<ul className="sp-tasks">
						{tasks.map((task) => (
							<Row key={task.id} task={task} />
						))}
					</ul>
				)}
			</NotificationDrawerBody>
		</NotificationDrawer>
	);
}
