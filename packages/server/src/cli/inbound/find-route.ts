import { nearestName } from '../../core/nearest-name.ts';
import { type ApiClient, ApiError } from '../client/api-client.ts';
import { readPages } from '../client/list-pages.ts';

/** As `GET /v1/inbound/routes` says it (http/api/inbound/inbound-json.ts). */
export interface RouteView {
  id: string;
  address: string;
  action: string;
  priority: number;
  tags: string[];
  description: string;
  ready: boolean;
  detail: string | null;
}

/** Who has more than this names the id. */
const SEARCHED = 1_000;

export const routePath = (id: string): string => `/v1/inbound/routes/${encodeURIComponent(id)}`;

/** A route by its id or its address. Throws ApiError, which names the nearest address. */
export async function findRoute(client: ApiClient, idOrAddress: string): Promise<RouteView> {
  if (!idOrAddress.includes('@')) return client.get<RouteView>(routePath(idOrAddress));
  const wanted = idOrAddress.toLowerCase();
  const addresses: string[] = [];
  const pages = readPages<RouteView>(client, '/v1/inbound/routes', { query: {}, limit: SEARCHED });
  for await (const { rows } of pages) {
    const found = rows.find(({ address }) => address === wanted);
    if (found !== undefined) return found;
    addresses.push(...rows.map(({ address }) => address));
  }
  const nearest = nearestName(wanted, addresses);
  const hint =
    nearest === null ? '"posthorn inbound routes add" adds one.' : `Did you mean "${nearest}"?`;
  const message = `The project has no route for ${idOrAddress}. ${hint}`;
  throw new ApiError(message, { status: 404, code: 'not_found' });
}
