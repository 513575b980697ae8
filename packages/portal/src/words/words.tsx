import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { keep, readKept } from '../api/kept.ts';
import { en, type Words } from './en.ts';

/** The languages, each by its own name. All but English are loaded when they are chosen. */
export const LANGUAGES = {
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  nl: 'Nederlands',
} as const;

export type Language = keyof typeof LANGUAGES;

const LOADERS: Record<Language, () => Promise<Words>> = {
  en: async () => en,
  de: async () => (await import('./de.ts')).de,
  fr: async () => (await import('./fr.ts')).fr,
  nl: async () => (await import('./nl.ts')).nl,
};

const KEY = 'posthorn.language';

function isLanguage(value: string | null | undefined): value is Language {
  return value !== null && value !== undefined && Object.hasOwn(LANGUAGES, value);
}

/** What was chosen in this browser, or the first that the browser asks for and we have. */
function firstLanguage(): Language {
  const kept = readKept(KEY);
  if (isLanguage(kept)) return kept;
  const asked = navigator.languages.map((tag) => tag.split('-')[0]?.toLowerCase());
  return asked.find(isLanguage) ?? 'en';
}

interface Spoken {
  language: Language;
  words: Words;
  choose(language: Language): void;
}

const Context = createContext<Spoken>({ language: 'en', words: en, choose() {} });

export function WordsProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  const [words, setWords] = useState<Words>(en);
  useEffect(() => {
    let isCurrent = true;
    document.documentElement.lang = language;
    LOADERS[language]().then((loaded) => {
      if (isCurrent) setWords(loaded);
    });
    return () => {
      isCurrent = false;
    };
  }, [language]);
  function choose(next: Language): void {
    keep(KEY, next);
    setLanguage(next);
  }
  return <Context value={{ language, words, choose }}>{children}</Context>;
}

export function useWords(): Words {
  return useContext(Context).words;
}

export function useLanguage(): Spoken {
  return useContext(Context);
}
