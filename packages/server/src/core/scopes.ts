import { nearestName } from './nearest-name.ts';

/** What an API key may do. Scopes stand beside each other: none of them includes another. */
export const SCOPES = ['send', 'events', 'read', 'manage', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

export const SCOPE_DESCRIPTIONS: Readonly<Record<Scope, string>> = {
  send: 'send messages, by HTTP and by SMTP',
  events: 'put events into the log',
  read: 'read messages, events, endpoints and deliveries',
  manage: "change the project's endpoints, deliveries and keys, and decide about held messages",
  admin: 'create, change and delete projects, make keys for them, and see the nodes',
};

/** What a project's own keys have: everything but what is the operator's. */
export const PROJECT_SCOPES: readonly Scope[] = SCOPES.filter((scope) => scope !== 'admin');

/** A sentence about a name that is no scope; it says which names there are. */
export function explainUnknownScope(name: unknown): string {
  const nearest = typeof name === 'string' ? nearestName(name, SCOPES) : null;
  const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
  return `${JSON.stringify(name)} is not a scope.${hint} There are: ${SCOPES.join(', ')}.`;
}

/** `send, read and manage`. */
export function listScopes(scopes: readonly Scope[]): string {
  const quoted = scopes.map((scope) => `"${scope}"`);
  const last = quoted.pop();
  if (last === undefined) return 'none';
  return quoted.length === 0 ? last : `${quoted.join(', ')} and ${last}`;
}
