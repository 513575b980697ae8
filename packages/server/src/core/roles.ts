import { PROJECT_SCOPES, SCOPES, type Scope } from './scopes.ts';

/** What a person may do in the portal. The owner is the operator. */
export const ROLES = ['owner', 'developer', 'support', 'read_only'] as const;

export type Role = (typeof ROLES)[number];

/** The scopes that a person's requests have, as if they came with a key that has them. */
export const ROLE_SCOPES: Readonly<Record<Role, readonly Scope[]>> = {
  owner: SCOPES,
  developer: PROJECT_SCOPES,
  support: ['read', 'send'],
  read_only: ['read'],
};
