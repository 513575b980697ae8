import { domainToASCII } from 'node:url';
import { nearestName } from '../../core/nearest-name.ts';
import { type ApiClient, ApiError } from '../client/api-client.ts';
import { readPages } from '../client/list-pages.ts';
import type { DomainView } from './domain-view.ts';

/** Most have one or two; who has more than this names the id. */
const SEARCHED = 1_000;

/** A domain by its id or its name. Throws ApiError, which names the nearest one. */
export async function findDomain(client: ApiClient, idOrName: string): Promise<DomainView> {
  if (!idOrName.includes('.')) {
    return client.get<DomainView>(`/v1/domains/${encodeURIComponent(idOrName)}`);
  }
  const wanted = domainToASCII(idOrName).toLowerCase();
  const names: string[] = [];
  const pages = readPages<DomainView>(client, '/v1/domains', { query: {}, limit: SEARCHED });
  for await (const { rows } of pages) {
    const found = rows.find(({ name }) => name === wanted);
    if (found !== undefined) return found;
    names.push(...rows.map(({ name }) => name));
  }
  const nearest = nearestName(idOrName, names);
  const hint = nearest === null ? '"posthorn domains add" adds it.' : `Did you mean "${nearest}"?`;
  const message = `The project has no domain ${idOrName}. ${hint}`;
  throw new ApiError(message, { status: 404, code: 'not_found' });
}
