import { nearestName } from '../../core/nearest-name.ts';
import { type ApiClient, ApiError } from '../client/api-client.ts';
import { readPages } from '../client/list-pages.ts';
import { type SinkView, sinkPath } from './sink-view.ts';

/** Most have a few; who has more than this names the id. */
const SEARCHED = 1_000;

/** A sink by its id or its name. Throws ApiError, also where several have the name. */
export async function findSink(client: ApiClient, idOrName = ''): Promise<SinkView> {
  if (idOrName.startsWith('snk_')) return client.get<SinkView>(sinkPath({ id: idOrName }));
  const all: SinkView[] = [];
  const pages = readPages<SinkView>(client, '/v1/sinks', { query: {}, limit: SEARCHED });
  for await (const { rows } of pages) all.push(...rows);
  const wanted = idOrName.toLowerCase();
  const [found, ...others] = all.filter(({ name }) => name.toLowerCase() === wanted);
  if (found === undefined) {
    const nearest = nearestName(
      idOrName,
      all.map(({ name }) => name),
    );
    const hint =
      nearest === null ? '"posthorn sinks list" has them.' : `Did you mean "${nearest}"?`;
    throw notFound(`The project has no sink ${JSON.stringify(idOrName)}. ${hint}`);
  }
  if (others.length === 0) return found;
  const ids = [found, ...others].map(({ id }) => id).join(', ');
  throw notFound(`Several sinks have the name ${found.name}: ${ids}. Name one by its id.`);
}

const notFound = (message: string): ApiError =>
  new ApiError(message, { status: 404, code: 'not_found' });
