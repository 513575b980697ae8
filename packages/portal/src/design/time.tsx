import { useEffect, useState } from 'react';
import { formatRelative } from '../words/format.ts';
import { useLanguage } from '../words/words.tsx';

/** One clock for all relative times on a page: it ticks every ten seconds. */
const TICK_MS = 10_000;
const listeners = new Set<() => void>();
setInterval(() => {
  for (const listener of listeners) listener();
}, TICK_MS);

export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const listener = () => setNow(Date.now());
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return now;
}

/** A time relative to now; on hover exactly, in the viewer's zone and in UTC. */
export function Time({ at, isExact = false }: { at: string; isExact?: boolean }) {
  const { words, language } = useLanguage();
  const now = useNow();
  const date = new Date(at);
  const local = new Intl.DateTimeFormat(language, {
    dateStyle: 'medium',
    timeStyle: 'medium',
  }).format(date);
  const utc = words.common.utc(at.replace('T', ' ').replace('Z', ''));
  return (
    <time dateTime={at} title={`${local} · ${utc}`} className={isExact ? '' : 'whitespace-nowrap'}>
      {isExact ? local : formatRelative(date.getTime(), now, words)}
    </time>
  );
}
