import type { DeliveryState } from '../api/objects.ts';
import { useWords } from '../words/words.tsx';
import { Icon, type IconName } from './icon.tsx';

type Tone = 'good' | 'warn' | 'bad' | 'complaint' | 'engaged' | 'idle';

const TONES: Record<Tone, string> = {
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  complaint: 'bg-complaint-soft text-complaint',
  engaged: 'bg-engaged-soft text-engaged',
  idle: 'bg-idle-soft text-idle',
};

/** A state as icon, word and colour together. */
export function Badge({ tone, icon, children }: { tone: Tone; icon: IconName; children: string }) {
  return (
    <span
      className={`inline-flex h-6 items-center gap-1.5 rounded-md px-2 text-[13px] font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      <Icon name={icon} className="size-3.5" />
      {children}
    </span>
  );
}

const MAIL: Record<string, { tone: Tone; icon: IconName }> = {
  accepted: { tone: 'idle', icon: 'dot' },
  sent: { tone: 'idle', icon: 'send' },
  delivered: { tone: 'good', icon: 'check' },
  deferred: { tone: 'warn', icon: 'wait' },
  bounced: { tone: 'bad', icon: 'cross' },
  failed: { tone: 'bad', icon: 'cross' },
  rejected: { tone: 'idle', icon: 'cross' },
  held: { tone: 'idle', icon: 'pause' },
  opened: { tone: 'engaged', icon: 'eye' },
  clicked: { tone: 'engaged', icon: 'arrow' },
  complained: { tone: 'complaint', icon: 'flag' },
  unsubscribed: { tone: 'complaint', icon: 'skip' },
};

/** What became of a message for one recipient; `state` as in docs/events.md. */
export function MailState({ state }: { state: string | null }) {
  const { mailStates } = useWords();
  const key = state ?? 'accepted';
  const { tone, icon } = MAIL[key] ?? { tone: 'idle', icon: 'dot' };
  const word = Object.hasOwn(mailStates, key) ? mailStates[key as keyof typeof mailStates] : key;
  return (
    <Badge tone={tone} icon={icon}>
      {word}
    </Badge>
  );
}

/** The type of an event, as a state where it is one. */
export function EventTypeBadge({ type }: { type: string }) {
  const { tone, icon } = MAIL[type.replace(/^email\./, '')] ?? { tone: 'idle', icon: 'dot' };
  return (
    <Badge tone={tone} icon={icon}>
      {type}
    </Badge>
  );
}

const DELIVERIES: Record<DeliveryState, { tone: Tone; icon: IconName }> = {
  pending: { tone: 'idle', icon: 'wait' },
  in_flight: { tone: 'idle', icon: 'send' },
  retrying: { tone: 'warn', icon: 'again' },
  delivered: { tone: 'good', icon: 'check' },
  dead: { tone: 'bad', icon: 'cross' },
  skipped: { tone: 'idle', icon: 'skip' },
  canceled: { tone: 'idle', icon: 'cross' },
};

export function DeliveryStateBadge({ state }: { state: DeliveryState }) {
  const { deliveryStates } = useWords();
  const { tone, icon } = DELIVERIES[state];
  return (
    <Badge tone={tone} icon={icon}>
      {deliveryStates[state]}
    </Badge>
  );
}
