import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { createConfiguredPostClient, type PostClientSettings } from '../post/configured-client.ts';
import { createPoster, type Poster } from './poster.ts';
import { createThreadedPoster } from './threaded-poster.ts';

/** Posts on that many threads, or on this one for none. */
export function createConfiguredPoster(options: {
  threads: number;
  settings: PostClientSettings;
  /** Of posts on this thread; others have the system's. */
  clock: Clock;
  log: Log;
}): Poster {
  const { threads, settings } = options;
  if (threads === 0) return createPoster(createConfiguredPostClient(settings, options.clock));
  const idleConnections = Math.ceil(settings.idleConnections / threads);
  return createThreadedPoster({ ...options, settings: { ...settings, idleConnections } });
}
