import type { ContentFilter } from './events/content-filter.ts';
import type { Scope } from './scopes.ts';

/**
 * What somebody may do who has the token of an embedded page: a customer of a tenant. One of the two says
 * which endpoints of the project are theirs.
 */
export interface PortalLink {
  /** By id; empty where metadata say it. */
  endpointIds: readonly string[];
  /** Theirs are those that have all of these; null where ids say it. */
  metadata: Readonly<Record<string, string>> | null;
  /** They may make and delete endpoints; what they make gets the metadata and the filter. */
  mayCreate: boolean;
  /** Null for none. */
  filter: ContentFilter | null;
  /** Sites whose pages may frame the page; empty: none. */
  origins: readonly string[];
}

/** What a route needs is narrowed further to the endpoints that are theirs. */
export const LINK_SCOPES: readonly Scope[] = ['read', 'manage'];

/** Whether an endpoint of the same project is theirs. */
export function coversEndpoint(
  { endpointIds, metadata }: Pick<PortalLink, 'endpointIds' | 'metadata'>,
  endpoint: { id: string; metadata: Readonly<Record<string, string>> },
): boolean {
  if (metadata === null) return endpointIds.includes(endpoint.id);
  const pairs = Object.entries(metadata);
  // No condition would be every endpoint.
  return pairs.length > 0 && pairs.every(([name, value]) => endpoint.metadata[name] === value);
}
