import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { Modal } from '../design/modal.tsx';
import { useWords } from '../words/words.tsx';
import { NAVIGATION } from './navigation.ts';

/** How long after g the second key may come, ms. */
const SECOND_KEY_MS = 1_500;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input, textarea, select, [contenteditable]') !== null
  );
}

/** The keys that work on every page. */
export function useShortcuts({ palette, help }: { palette: () => void; help: () => void }): void {
  const navigate = useNavigate();
  useEffect(() => {
    let goSince = 0;
    function onKeyDown(event: KeyboardEvent): void {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        palette();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const page = NAVIGATION.find(({ key }) => key === event.key);
      if (page !== undefined && event.timeStamp - goSince < SECOND_KEY_MS) {
        goSince = 0;
        void navigate({ to: page.to });
      } else if (event.key === 'g') goSince = event.timeStamp;
      else if (event.key === '?') help();
      else if (event.key === '/') {
        event.preventDefault();
        palette();
      }
    }
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [navigate, palette, help]);
}

export function KeyHelp({ close }: { close: () => void }) {
  const { keys, nav } = useWords();
  const rows: [string, string][] = [
    ['Ctrl K', keys.search],
    ['j', keys.down],
    ['k', keys.up],
    ['Enter', keys.open],
    ...NAVIGATION.map(({ key, name }): [string, string] => [`g ${key}`, keys.go(nav[name])]),
    ['?', keys.help],
  ];
  return (
    <Modal title={keys.title} close={close}>
      <dl className="grid grid-cols-[6rem_1fr] gap-y-2">
        {rows.map(([key, what]) => (
          <div key={key} className="contents">
            <dt>
              <kbd className="rounded-md border border-line bg-sunken px-1.5 py-0.5 font-mono text-[13px]">
                {key}
              </kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
