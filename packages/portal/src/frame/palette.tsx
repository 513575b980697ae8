import { useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { Icon, type IconName } from '../design/icon.tsx';
import { Modal } from '../design/modal.tsx';
import { useWords } from '../words/words.tsx';
import { NAVIGATION } from './navigation.ts';

interface Choice {
  id: string;
  name: string;
  icon: IconName;
  go: () => void;
}

/** Which page shows an object, by the prefix of its id. */
const PAGES_BY_PREFIX: Readonly<Record<string, string>> = {
  msg: '/messages/$id',
  evt: '/events/$id',
  ep: '/webhooks/$id',
  dlv: '/deliveries/$id',
  snk: '/sinks/$id',
  alt: '/alerts/$id',
  alr: '/alerts/rules/$id',
  src: '/sources/$id',
  dom: '/domains/$id',
  rcv: '/inbound/$id',
  rte: '/inbound/routes/$id',
};

/** Finds pages, messages by recipient, and objects by their id. */
export function Palette({ close }: { close: () => void }) {
  const words = useWords();
  const navigate = useNavigate();
  const listId = useId();
  const [text, setText] = useState('');
  const [current, setCurrent] = useState(0);
  const choices = findChoices();

  function findChoices(): Choice[] {
    const typed = text.trim();
    const found: Choice[] = [];
    const prefix = /^([a-z]+)_[0-9A-Z]{10,}/.exec(typed)?.[1] ?? '';
    const page = PAGES_BY_PREFIX[prefix];
    if (page !== undefined) {
      found.push({
        id: 'object',
        name: words.palette.openId(typed),
        icon: 'arrow',
        go: () => void navigate({ to: page, params: { id: typed } } as never),
      });
    }
    if (typed.includes('@')) {
      found.push({
        id: 'recipient',
        name: words.palette.messagesTo(typed),
        icon: 'messages',
        go: () => void navigate({ to: '/messages', search: { recipient: typed } }),
      });
    }
    for (const { to, name, icon } of NAVIGATION) {
      if (!words.nav[name].toLowerCase().includes(typed.toLowerCase())) continue;
      found.push({ id: to, name: words.nav[name], icon, go: () => void navigate({ to }) });
    }
    // Last: what is typed is mostly the name of a page.
    if (page === undefined && !typed.includes('@') && typed.length > 1) {
      found.push({
        id: 'subject',
        name: words.palette.messagesAbout(typed),
        icon: 'search',
        go: () => void navigate({ to: '/messages', search: { subject: typed } }),
      });
    }
    return found;
  }

  function choose(choice: Choice | undefined): void {
    if (choice === undefined) return;
    close();
    choice.go();
  }

  return (
    <Modal title={words.palette.title} close={close}>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={choices[current] === undefined ? undefined : `${listId}-${current}`}
        aria-label={words.palette.placeholder}
        placeholder={words.palette.placeholder}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setCurrent(0);
        }}
        onKeyDown={(event) => {
          const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
          if (event.key === 'Enter') choose(choices[current]);
          else if (step !== 0) {
            event.preventDefault();
            setCurrent((current + step + choices.length) % Math.max(choices.length, 1));
          }
        }}
        className="mb-2 h-10 w-full rounded-md border border-line-strong bg-surface px-3"
      />
      <div role="listbox" id={listId} aria-label={words.palette.title}>
        {choices.map((choice, i) => (
          <div
            key={choice.id}
            id={`${listId}-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === current}
            onClick={() => choose(choice)}
            onKeyDown={() => {}}
            className="flex h-9 cursor-pointer items-center gap-2.5 rounded-md px-2 hover:bg-sunken aria-selected:bg-accent-soft"
          >
            <Icon name={choice.icon} />
            <span className="truncate">{choice.name}</span>
          </div>
        ))}
      </div>
      {choices.length === 0 && <p className="p-2 text-muted">{words.palette.nothing}</p>}
    </Modal>
  );
}
