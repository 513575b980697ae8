import { type Authenticator, createAuthenticator } from '../http/access/authenticate.ts';
import { createKeyUsage, type KeyUsage } from '../http/access/key-usage.ts';
import { createProjectRates, type ProjectRates } from '../http/access/project-rates.ts';
import type { Basics } from './open-basics.ts';

/** Who asks, and how much they may ask. */
export interface Access {
  authenticator: Authenticator;
  usage: KeyUsage;
  rates: ProjectRates;
}

export function buildAccess({ store, projects, clock, log }: Basics): Access {
  const { apiKeys } = store;
  const { now } = clock;
  const usage = createKeyUsage({ apiKeys, clock, log });
  return {
    authenticator: createAuthenticator({ apiKeys, projects, usage, now }),
    usage,
    rates: createProjectRates({ projects, now }),
  };
}
