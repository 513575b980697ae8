import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { toProblem } from '../api/problem.ts';
import { queueQuery } from '../api/queries.ts';
import { chosenProject, useChooseProject, useSession, useSignOut } from '../api/session.ts';
import { Icon } from '../design/icon.tsx';
import { chooseTheme, type ThemeChoice, useThemeChoice } from '../design/theme.ts';
import { formatCount, formatSpan } from '../words/format.ts';
import { LANGUAGES, type Language, useLanguage, useWords } from '../words/words.tsx';
import { KeyHelp, useShortcuts } from './keys.tsx';
import { NAVIGATION } from './navigation.ts';
import { Palette } from './palette.tsx';

/** What stands around every page. */
export function Frame() {
  const words = useWords();
  const [open, setOpen] = useState<'menu' | 'palette' | 'keys' | null>(null);
  const { pathname } = useLocation();
  const content = useRef<HTMLElement>(null);
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    // Another page closes the menu, and reading begins at its top, as if it had been loaded.
    setOpen(null);
    content.current?.focus();
  }, [pathname]);
  useShortcuts({ palette: () => setOpen('palette'), help: () => setOpen('keys') });
  return (
    <div className="flex min-h-screen">
      <a
        href="#content"
        className="absolute -top-20 left-2 z-50 rounded-md bg-surface p-2 focus:top-2"
      >
        {words.skipToContent}
      </a>
      <Sidebar isOpen={open === 'menu'} close={() => setOpen(null)} />
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar openMenu={() => setOpen('menu')} openPalette={() => setOpen('palette')} />
        <LostConnection />
        <main ref={content} id="content" tabIndex={-1} className="min-w-0 flex-1 outline-none">
          <Outlet />
        </main>
      </div>
      {open === 'palette' && <Palette close={() => setOpen(null)} />}
      {open === 'keys' && <KeyHelp close={() => setOpen(null)} />}
    </div>
  );
}

function Sidebar({ isOpen, close }: { isOpen: boolean; close: () => void }) {
  const { nav, brand } = useWords();
  return (
    <nav
      aria-label={nav.label}
      className={`z-40 w-56 shrink-0 flex-col border-r border-line bg-surface p-3 max-md:fixed max-md:inset-y-0 max-md:shadow-float md:sticky md:top-0 md:flex md:h-screen ${isOpen ? 'flex' : 'max-md:hidden'}`}
    >
      <div className="mb-4 flex items-center gap-2 px-2 pt-1">
        <img src={`${import.meta.env.BASE_URL}horn.svg`} alt="" className="size-6" />
        <span className="text-[16px] font-semibold">{brand}</span>
        <button
          type="button"
          aria-label={nav.close}
          onClick={close}
          className="ml-auto inline-flex size-8 items-center justify-center rounded-md hover:bg-sunken md:hidden"
        >
          <Icon name="close" />
        </button>
      </div>
      <ul className="flex flex-col gap-0.5">
        {NAVIGATION.map(({ to, name, icon }) => (
          <li key={to}>
            <Link
              to={to}
              activeOptions={{ exact: to === '/', includeSearch: false }}
              className="flex h-9 items-center gap-2.5 rounded-md px-2 text-muted no-underline hover:bg-sunken hover:text-ink aria-[current=page]:bg-accent-soft aria-[current=page]:font-medium aria-[current=page]:text-ink"
            >
              <Icon name={icon} />
              {nav[name]}
            </Link>
          </li>
        ))}
      </ul>
      <a
        href="/docs"
        className="mt-auto flex h-9 items-center gap-2.5 rounded-md px-2 text-muted no-underline hover:bg-sunken hover:text-ink"
      >
        <Icon name="docs" />
        {nav.apiDocs}
      </a>
    </nav>
  );
}

function TopBar({ openMenu, openPalette }: { openMenu: () => void; openPalette: () => void }) {
  const { nav, top } = useWords();
  return (
    <header className="sticky top-0 z-30 flex h-14 items-center gap-3 border-b border-line bg-canvas px-4 sm:px-8">
      <button
        type="button"
        aria-label={nav.open}
        onClick={openMenu}
        className="inline-flex size-8 items-center justify-center rounded-md hover:bg-sunken md:hidden"
      >
        <Icon name="menu" />
      </button>
      <ProjectChoice />
      <button
        type="button"
        onClick={openPalette}
        className="flex h-8 min-w-0 flex-1 items-center gap-2 rounded-md border border-line-strong bg-surface px-2.5 text-muted sm:max-w-md"
      >
        <Icon name="search" />
        <span className="truncate">{top.search}</span>
        <kbd className="ml-auto font-mono text-[12px] max-sm:hidden">Ctrl K</kbd>
      </button>
      <div className="ml-auto flex items-center gap-3">
        <HealthDot />
        <AccountMenu />
      </div>
    </header>
  );
}

function ProjectChoice() {
  const session = useSession();
  const { top } = useWords();
  const choose = useChooseProject();
  if (session.projects.length < 2) return null;
  return (
    <select
      aria-label={top.project}
      value={chosenProject(session) ?? ''}
      onChange={(event) => choose(event.target.value)}
      className="h-8 max-w-48 rounded-md border border-line-strong bg-surface px-2"
    >
      {session.projects.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** While the server cannot be reached: what is shown is old. When it answers again, everything is read anew. */
export function LostConnection() {
  const { problem } = useWords();
  const client = useQueryClient();
  // Already at the first failure, while the query itself still tries.
  const { failureReason, isSuccess } = useQuery(queueQuery());
  const isLost = failureReason !== null && toProblem(failureReason).code === 'offline';
  const wasLost = useRef(false);
  useEffect(() => {
    if (isLost) wasLost.current = true;
    else if (wasLost.current && isSuccess) {
      wasLost.current = false;
      void client.invalidateQueries();
    }
  }, [isLost, isSuccess, client]);
  if (!isLost) return null;
  return (
    <div role="alert" className="flex items-center gap-2 bg-warn-soft px-4 py-2 text-warn sm:px-8">
      <Icon name="wait" />
      <span>
        <strong className="font-semibold">{problem.lost}</strong> {problem.lostHelp}
      </span>
    </div>
  );
}

/** A minute: below it what waits is on its way. */
const LATE_SECONDS = 60;

function HealthDot() {
  const { words, language } = useLanguage();
  const { data } = useQuery(queueQuery());
  if (data === undefined) return null;
  const isLate = data.lag_seconds > LATE_SECONDS;
  const sentence = isLate
    ? words.top.queueWaiting(
        formatCount(data.depth, language),
        formatSpan(data.lag_seconds * 1_000, words),
      )
    : words.top.queueWell;
  return (
    <Link
      to="/"
      title={sentence}
      className={`inline-flex items-center gap-1.5 rounded-md p-1 ${isLate ? 'text-warn' : 'text-good'}`}
    >
      <Icon name={isLate ? 'wait' : 'check'} />
      <span className="sr-only">{sentence}</span>
    </Link>
  );
}

function AccountMenu() {
  const { user } = useSession();
  const { top } = useWords();
  const { language, choose } = useLanguage();
  const theme = useThemeChoice();
  const signOut = useSignOut();
  const themes: [ThemeChoice, string][] = [
    ['system', top.themeSystem],
    ['light', top.themeLight],
    ['dark', top.themeDark],
  ];
  return (
    <details className="relative">
      <summary
        aria-label={top.account}
        className="flex size-8 cursor-pointer list-none items-center justify-center rounded-full bg-accent-soft font-semibold uppercase"
      >
        {(user.name || user.email).slice(0, 1)}
      </summary>
      <div className="absolute right-0 z-40 mt-2 w-64 rounded-md border border-line bg-surface p-3 shadow-float">
        <p className="truncate font-medium">{user.name || user.email}</p>
        <p className="mb-3 truncate text-muted">{user.email}</p>
        <label className="mb-2 flex items-center justify-between gap-2">
          {top.theme}
          <select
            value={theme}
            onChange={(event) => chooseTheme(event.target.value as ThemeChoice)}
            className="h-8 rounded-md border border-line-strong bg-surface px-2"
          >
            {themes.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label className="mb-3 flex items-center justify-between gap-2">
          {top.language}
          <select
            value={language}
            onChange={(event) => choose(event.target.value as Language)}
            className="h-8 rounded-md border border-line-strong bg-surface px-2"
          >
            {Object.entries(LANGUAGES).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          onClick={() => void signOut()}
          className="h-8 w-full rounded-md border border-line-strong hover:bg-sunken"
        >
          {top.signOut}
        </button>
      </div>
    </details>
  );
}
