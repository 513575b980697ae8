import { useSyncExternalStore } from 'react';
import { keep, readKept } from '../api/kept.ts';

/** What the person chose; `system` follows the system, and changes with it. */
export type ThemeChoice = 'system' | 'light' | 'dark';

const KEY = 'posthorn.theme';
const listeners = new Set<() => void>();
const system = window.matchMedia('(prefers-color-scheme: dark)');

function readChoice(): ThemeChoice {
  const kept = readKept(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

let choice = readChoice();

/** Sets the theme on the document. Call it once before the first paint. */
export function applyTheme(): void {
  const isDark = choice === 'dark' || (choice === 'system' && system.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
}

system.addEventListener('change', applyTheme);

export function chooseTheme(next: ThemeChoice): void {
  choice = next;
  keep(KEY, next === 'system' ? null : next);
  applyTheme();
  for (const listener of listeners) listener();
}

/** Which of the two is shown now: for what has to be drawn anew when it changes. */
export function useTheme(): 'light' | 'dark' {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      system.addEventListener('change', listener);
      return () => {
        listeners.delete(listener);
        system.removeEventListener('change', listener);
      };
    },
    () => (document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light'),
  );
}

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => choice,
  );
}
