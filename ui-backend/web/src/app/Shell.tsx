// SPDX-License-Identifier: GPL-3.0-or-later
// What stands around every screen: name and logo, the menu, tasks, the person.
import { lazy, Suspense, useCallback, useEffect, useState, type MouseEvent } from "react";
import {
	Badge,
	Button,
	Divider,
	Dropdown,
	DropdownGroup,
	DropdownItem,
	DropdownList,
	Masthead,
	MastheadBrand,
	MastheadContent,
	MastheadLogo,
	MastheadMain,
	MastheadToggle,
	MenuToggle,
	Nav,
	NavItem,
	NavList,
	Page,
	PageSidebar,
	PageSidebarBody,
	PageToggleButton,
	SkipToContent,
	Toolbar,
	ToolbarContent,
	ToolbarGroup,
	ToolbarItem,
} from "@patternfly/react-core";
import BarsIcon from "@patternfly/react-icons/dist/esm/icons/bars-icon";
import TasksIcon from "@patternfly/react-icons/dist/esm/icons/tasks-icon";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { address, api } from "#/api/client";
import { chooseLanguage, languageChoice, useLanguage, useText } from "#/i18n/catalogue";
import { Loading } from "#/parts/States";
import { ErrorBoundary } from "./ErrorBoundary";
import { KeyHelp } from "./KeyHelp";
import { useKeys } from "./keys";
import { href, match, navigate, usePlace } from "./router";
import { mayVisit, routes, startOf, type Route } from "./routes";
import { useHere, usePerson } from "./session";
import { TaskDrawer, useTaskNews, useTasks } from "./tasks";
import { text } from "./text";
import { chooseTheme, themeChoice, useDark } from "./theme";
import { toastProblem } from "./toasts";
import { Nowhere } from "./Nowhere";

const LicenceBanner = lazy(async () => ({ default: (await import("#/screens/admin/Licence")).LicenceBanner }));

/* Administrators have a dozen screens, which stand at the side; others have a few, which fit at the top. */
const MANY = 5;

export function Brand() {
	const appearance = useHere().session?.appearance;
	return (
		<span className="sp-brand">
			<img src={appearance?.hasLogo ? address("/logo") : "./seal.svg"} alt="" className="sp-logo" />
			<span className="sp-brand-name">{appearance?.name || "Sealpost"}</span>
		</span>
	);
}

function PersonMenu({ onHelp }: { onHelp: () => void }) {
	const t = useText(text);
	const person = usePerson();
	const { leave } = useHere();
	const [open, setOpen] = useState(false);
	useLanguage();
	useDark();
	const mark = (chosen: boolean) => ({ isSelected: chosen });
	const keepTheme = (theme: "" | "light" | "dark") => {
		chooseTheme(theme);
		api.patch("/me", { body: { theme } }).catch(toastProblem);
	};
	const keepLanguage = (language: "" | "de" | "en") => {
		chooseLanguage(language);
		api.patch("/me", { body: { language } }).catch(toastProblem);
	};
	return (
		<Dropdown
			isOpen={open}
			onOpenChange={setOpen}
			onSelect={() => setOpen(false)}
			popperProps={{ position: "right" }}
			toggle={(ref) => (
				<MenuToggle
					ref={ref}
					isExpanded={open}
					onClick={() => setOpen(!open)}
					icon={<UserIcon />}
					variant="plainText"
					aria-label={t("menu.of", { name: person.shown || person.name })}
					className="sp-person"
				>
					<span className="sp-wide-only">{person.shown || person.name}</span>
				</MenuToggle>
			)}
		>
			<DropdownGroup label={`${person.shown || person.name} · ${t(`role.${person.role}`)}`}>
				<DropdownList>
					<DropdownItem onClick={() => navigate("/account")}>{t("menu.account")}</DropdownItem>
					<DropdownItem onClick={onHelp}>{t("menu.help")}</DropdownItem>
				</DropdownList>
			</DropdownGroup>
			<Divider />
			<DropdownGroup label={t("menu.theme")}>
				<DropdownList>
					<DropdownItem {...mark(themeChoice() === "")} onClick={() => keepTheme("")}>{t("menu.theme.system")}</DropdownItem>
					<DropdownItem {...mark(themeChoice() === "light")} onClick={() => keepTheme("light")}>{t("menu.theme.light")}</DropdownItem>
					<DropdownItem {...mark(themeChoice() === "dark")} onClick={() => keepTheme("dark")}>{t("menu.theme.dark")}</DropdownItem>
				</DropdownList>
			</DropdownGroup>
			<Divider />
			<DropdownGroup label={t("menu.language")}>
				<DropdownList>
					<DropdownItem {...mark(languageChoice() === "")} onClick={() => keepLanguage("")}>{t("menu.language.browser")}</DropdownItem>
					<DropdownItem {...mark(languageChoice() === "de")} lang="de" onClick={() => keepLanguage("de")}>Deutsch</DropdownItem>
					<DropdownItem {...mark(languageChoice() === "en")} lang="en" onClick={() => keepLanguage("en")}>English</DropdownItem>
				</DropdownList>
			</DropdownGroup>
			<Divider />
			<DropdownList>
				<DropdownItem onClick={() => void leave()}>{t("menu.logout")}</DropdownItem>
			</DropdownList>
		</Dropdown>
	);
}

function Menu({ entries, active, horizontal, onGo }: { entries: readonly Route[]; active: string; horizontal?: boolean; onGo?: () => void }) {
	const t = useText(text);
	const go = (event: MouseEvent, path: string) => {
		if (event.ctrlKey || event.metaKey || event.shiftKey) return;
		event.preventDefault();
		navigate(path);
		onGo?.();
	};
	return (
		<Nav aria-label={t("nav")} {...(horizontal ? { variant: "horizontal" as const } : {})}>
			<NavList>
				{entries.map((route) => (
					<NavItem key={route.path} isActive={route.path === active} to={href(route.path)} preventDefault={false} onClick={(event) => go(event as unknown as MouseEvent, route.path)}>
						{t(route.nav as "nav.search")}
					</NavItem>
				))}
			</NavList>
		</Nav>
	);
}

function useNarrow(): boolean {
	const query = "(max-width: 767px)";
	const [narrow, setNarrow] = useState(() => window.matchMedia(query).matches);
	useEffect(() => {
		const media = window.matchMedia(query);
		const look = () => setNarrow(media.matches);
		media.addEventListener("change", look);
		return () => media.removeEventListener("change", look);
	}, []);
	return narrow;
}

export function Shell() {
	const t = useText(text);
	const person = usePerson();
	const here = usePlace();
	const tasks = useTasks();
	const narrow = useNarrow();
	const [help, setHelp] = useState(false);
	const [drawer, setDrawer] = useState(false);
	const [menu, setMenu] = useState(!narrow);
	useTaskNews(tasks);
	useKeys([{ key: "?", text: t("keys.help"), run: () => setHelp(true) }]);
	useEffect(() => setMenu(!narrow), [narrow]);

	const found = routes
		.filter((route) => mayVisit(route, person))
		.map((route) => ({ route, params: match(route.path, here.path) }))
		.find((one) => one.params !== null);
	const entries = routes.filter((route) => route.nav && mayVisit(route, person));
	const atSide = entries.length >= MANY || (narrow && entries.length > 1);
	const closeMenu = useCallback(() => narrow && setMenu(false), [narrow]);
	const running = tasks.filter((task) => task.state === "waiting" || task.state === "running").length;
	const active = found?.route.under ?? found?.route.path ?? "";

	useEffect(() => {
		if (here.path === "/") navigate(startOf(person), {}, { replace: true });
	}, [here.path, person]);

	const masthead = (
		<Masthead display={{ default: "inline" }}>
			<MastheadMain>
				{atSide && (
					<MastheadToggle>
						<PageToggleButton variant="plain" aria-label={t("nav.toggle")} isSidebarOpen={menu} onSidebarToggle={() => setMenu(!menu)}>
							<BarsIcon />
						</PageToggleButton>
					</MastheadToggle>
				)}
				<MastheadBrand>
					<MastheadLogo component="a" href={href(startOf(person))}>
						<Brand />
					</MastheadLogo>
				</MastheadBrand>
			</MastheadMain>
			<MastheadContent>
				<Toolbar isFullHeight isStatic>
					<ToolbarContent>
						{!atSide && entries.length > 1 && (
							<ToolbarItem isOverflowContainer>
								<Menu entries={entries} active={active} horizontal />
							</ToolbarItem>
						)}
						<ToolbarGroup align={{ default: "alignEnd" }} variant="action-group-plain">
							<ToolbarItem>
								<Button
									variant="plain"
									icon={<TasksIcon />}
									aria-expanded={drawer}
									aria-label={running ? t("tasks.running", { n: running }) : t("tasks")}
									title={t("tasks")}
									onClick={() => setDrawer(!drawer)}
								>
									{running > 0 && <Badge screenReaderText="">{running}</Badge>}
								</Button>
							</ToolbarItem>
							<ToolbarItem>
								<PersonMenu onHelp={() => setHelp(true)} />
							</ToolbarItem>
						</ToolbarGroup>
					</ToolbarContent>
				</Toolbar>
			</MastheadContent>
		</Masthead>
	);

	return (
		<Page
			masthead={masthead}
			mainContainerId="main"
			skipToContent={<SkipToContent href="#main" onClick={(event) => {
				event.preventDefault();
				document.getElementById("main")?.focus();
			}}>{t("skip")}</SkipToContent>}
			isNotificationDrawerExpanded={drawer}
			notificationDrawer={<TaskDrawer tasks={tasks} onClose={() => setDrawer(false)} />}
			sidebar={
				atSide ? (
					<PageSidebar isSidebarOpen={menu}>
						<PageSidebarBody>
							<Menu entries={entries} active={active} onGo={closeMenu} />
						</PageSidebarBody>
					</PageSidebar>
				) : null
			}
		>
			{person.rights.includes("CONFIGURE") && (
				<Suspense fallback={null}>
					<LicenceBanner />
				</Suspense>
			)}
			<ErrorBoundary key={here.path}>
				<Suspense fallback={<Loading />}>
					{found ? <found.route.screen key={found.route.path} params={found.params ?? {}} /> : here.path === "/" ? null : <Nowhere />}
				</Suspense>
			</ErrorBoundary>
			{help && <KeyHelp onClose={() => setHelp(false)} />}
		</Page>
	);
}
