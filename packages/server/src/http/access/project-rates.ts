import { PosthornError } from '../../lib/errors.ts';
import { createTokenBucket, type TokenBucket } from '../../lib/token-bucket.ts';
import type { ProjectDirectory } from '../../store/project-directory.ts';

/** The rates of projects. All keys of a project share them: more keys must not mean more room. */
export interface ProjectRates {
  /** Takes one request. */
  takeRequest(projectId: string): ReturnType<TokenBucket['take']>;
  /** Takes so many events. Throws `rate_limited`. */
  takeEvents(projectId: string, count: number): void;
}

export function createProjectRates(options: {
  projects: Pick<ProjectDirectory, 'settingsOf'>;
  now: () => number;
}): ProjectRates {
  const { projects, now } = options;
  const requests = createBuckets();
  const events = createBuckets();
  return {
    takeRequest(projectId) {
      const rate = projects.settingsOf(projectId).apiRequestsPerSecond;
      return requests(projectId, rate).take(now());
    },
    takeEvents(projectId, count) {
      const rate = projects.settingsOf(projectId).eventsPerSecond;
      if (rate === null) return;
      const { allowed, resetSeconds } = events(projectId, rate).take(now(), count);
      if (allowed) return;
      const detail = `This project may put ${rate} events a second into the log. Try again in ${resetSeconds} s.`;
      throw new PosthornError('rate_limited', detail, { retryAfterSeconds: resetSeconds });
    },
  };
}

/** A bucket for each project, with room for two seconds; a new one when its rate was changed. */
function createBuckets(): (projectId: string, ratePerSecond: number) => TokenBucket {
  const buckets = new Map<string, { ratePerSecond: number; bucket: TokenBucket }>();
  return (projectId, ratePerSecond) => {
    const found = buckets.get(projectId);
    if (found?.ratePerSecond === ratePerSecond) return found.bucket;
    const bucket = createTokenBucket({ ratePerSecond, capacity: ratePerSecond * 2 });
    buckets.set(projectId, { ratePerSecond, bucket });
    return bucket;
  };
}
