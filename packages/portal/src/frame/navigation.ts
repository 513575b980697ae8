import type { IconName } from '../design/icon.tsx';
import type { Words } from '../words/en.ts';

/** The pages of the frame, in their order. One line here and one in router.tsx make a page. */
export const NAVIGATION = [
  { to: '/', name: 'overview', icon: 'overview', key: 'o' },
  { to: '/messages', name: 'messages', icon: 'messages', key: 'm' },
  { to: '/review', name: 'review', icon: 'review', key: 'r' },
  { to: '/events', name: 'events', icon: 'events', key: 'e' },
  { to: '/inbound', name: 'inbound', icon: 'inbound', key: 'i' },
  { to: '/analytics', name: 'analytics', icon: 'analytics', key: 'a' },
  { to: '/alerts', name: 'alerts', icon: 'alerts', key: 'l' },
  { to: '/webhooks', name: 'webhooks', icon: 'webhooks', key: 'w' },
  { to: '/sources', name: 'sources', icon: 'sources', key: 's' },
  { to: '/sinks', name: 'sinks', icon: 'sinks', key: 'q' },
  { to: '/domains', name: 'domains', icon: 'domains', key: 'n' },
  { to: '/suppressions', name: 'suppressions', icon: 'suppressions', key: 'u' },
  { to: '/dead-letters', name: 'deadLetters', icon: 'dead', key: 'd' },
  { to: '/jobs', name: 'jobs', icon: 'jobs', key: 'j' },
  { to: '/settings', name: 'settings', icon: 'settings', key: 't' },
] as const satisfies readonly {
  to: string;
  name: keyof Words['nav'];
  icon: IconName;
  /** g and this key go there. */
  key: string;
}[];
