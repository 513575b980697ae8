import type { CanonicalEvent, EventBounce, EventType, RecipientState } from './event.ts';
import { higherStanding, type Standing, standingOf } from './recipient-state.ts';

/** What the events of one message and recipient say, whatever their order and however often they came. */
export interface MessageState {
  /** `null` while no event says anything of it. */
  state: RecipientState | null;
  /** When what decided the state happened. */
  stateAt: string | null;
  /** True for delivered, bounced, rejected and failed. A bounce may still follow a delivery. */
  isFinal: boolean;
  /** The last bounce; `null` unless the state is `bounced`. */
  bounce: EventBounce | null;
  /** When each of these happened first. */
  deliveredAt: string | null;
  openedAt: string | null;
  clickedAt: string | null;
  complainedAt: string | null;
  /** The latest opting out, unless the recipient opted in again after it. */
  unsubscribedAt: string | null;
  /** Different opens and clicks, those of machines left out. */
  opens: number;
  clicks: number;
}

/** Every event as one endpoint or inbox has it; what else it carries does not matter here. */
export type FoldedEvent = Pick<CanonicalEvent, 'id' | 'type' | 'timestamp' | 'data'>;

const FINAL: readonly RecipientState[] = ['delivered', 'bounced', 'rejected', 'failed'];

/**
 * Folds the events of ONE message and recipient: any order and any repetition give the same result
 * (see recipient-state.ts for which event beats which). To keep only a row instead of all events, keep
 * a Standing and `higherStanding` it with `standingOf` each new event.
 */
export function messageState(events: Iterable<FoldedEvent>): MessageState {
  const distinct = [...new Map([...events].map((event) => [event.id, event])).values()];
  const standing = distinct.map(standingOfEvent).reduce(higherStanding, null);
  const ofType = (type: EventType) => distinct.filter((event) => event.type === type);
  const byPeople = (type: EventType) =>
    ofType(type).filter(({ data }) => data.engagement?.machine !== true);
  return {
    state: standing?.state ?? null,
    stateAt: standing === null ? null : toText(standing.atMs),
    isFinal: standing !== null && FINAL.includes(standing.state),
    bounce: standing?.state === 'bounced' ? bounceAt(ofType('email.bounced'), standing.atMs) : null,
    deliveredAt: firstOf(ofType('email.delivered')),
    openedAt: firstOf(byPeople('email.opened')),
    clickedAt: firstOf(byPeople('email.clicked')),
    complainedAt: firstOf(ofType('email.complained')),
    unsubscribedAt: optedOutAt(ofType('email.unsubscribed'), ofType('email.resubscribed')),
    opens: byPeople('email.opened').length,
    clicks: byPeople('email.clicked').length,
  };
}

function standingOfEvent(event: FoldedEvent): Standing | null {
  return standingOf(event.type, atMs(event));
}

const atMs = ({ timestamp }: FoldedEvent): number => Date.parse(timestamp);
const toText = (ms: number): string => new Date(ms).toISOString();

/** Of two bounces in one millisecond the one with the higher id: any rule does that order cannot change. */
function bounceAt(bounces: readonly FoldedEvent[], ms: number): EventBounce | null {
  const last = bounces
    .filter((event) => atMs(event) === ms)
    .reduce<FoldedEvent | null>((a, b) => (a === null || b.id > a.id ? b : a), null);
  return last?.data.bounce ?? null;
}

function firstOf(events: readonly FoldedEvent[]): string | null {
  return events.length === 0 ? null : toText(Math.min(...events.map(atMs)));
}

function optedOutAt(out: readonly FoldedEvent[], back: readonly FoldedEvent[]): string | null {
  if (out.length === 0) return null;
  const latestOut = Math.max(...out.map(atMs));
  return latestOut >= Math.max(...back.map(atMs), Number.NEGATIVE_INFINITY)
    ? toText(latestOut)
    : null;
}
