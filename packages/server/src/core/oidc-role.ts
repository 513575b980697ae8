import { ROLES, type Role } from './roles.ts';

/** Who may come in by OpenID Connect, and as what. */
export interface OidcAdmission {
  /** The claim that says what somebody is, such as `groups`; null: no role is given by it. */
  roleClaim: string | null;
  /** Which value of it gives which role; the first one that fits counts. */
  roles: readonly RoleValue[];
  /** For whom no value fits; null: they need an account that is there already. */
  defaultRole: Role | null;
  /** Domains of addresses that may come in, in lower case; empty: all. */
  domains: readonly string[];
}

export interface RoleValue {
  role: Role;
  value: string;
}

/** What a provider says of somebody, beside who they are. */
export type Claims = Readonly<Record<string, unknown>>;

/** `owner=admins,developer=engineering`. Throws an Error that says what is wrong. */
export function parseRoleValues(text: string): RoleValue[] {
  if (text.trim() === '') return [];
  return text.split(',').map((part) => {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    const value = part.slice(at + 1).trim();
    const role = ROLES.find((one) => one === name);
    if (at > 0 && role !== undefined && value !== '') return { role, value };
    throw new Error(
      `"${part.trim()}" is not a role and a value such as developer=engineering (roles: ${ROLES.join(', ')})`,
    );
  });
}

/** The role of somebody who has no account yet; null when they get none. */
export function decideRole(claims: Claims, admission: OidcAdmission): Role | null {
  const { roleClaim, roles, defaultRole } = admission;
  const claim = roleClaim === null ? null : claims[roleClaim];
  const values = Array.isArray(claim) ? claim : [claim];
  return roles.find(({ value }) => values.includes(value))?.role ?? defaultRole;
}

export function mayComeFrom(email: string, { domains }: Pick<OidcAdmission, 'domains'>): boolean {
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
  return domains.length === 0 || domains.includes(domain);
}
