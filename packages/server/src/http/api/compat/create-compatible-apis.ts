import type { FastifyInstance } from 'fastify';
import type { AnswerMemory } from '../../remember-answers.ts';
import type { Route } from '../../route.ts';
import { createRouteCaller } from './call-routes.ts';
import { registerForeignApi } from './foreign-api.ts';
import { createMailchannelsApi } from './mailchannels/mailchannels-api.ts';
import { createPostalApi } from './postal/postal-api.ts';

/** The APIs of others, for clients that were written for them. */
export interface CompatibleApis {
  /** They are translated to these routes. */
  register(app: FastifyInstance, routes: readonly Route[]): void;
}

type CompatibleApiDeps = Omit<
  Parameters<typeof createMailchannelsApi>[0] & Parameters<typeof createPostalApi>[0],
  'callRoute' | 'now'
> &
  Omit<Parameters<typeof registerForeignApi>[2], 'now'> & { memory: AnswerMemory };

export function createCompatibleApis(deps: CompatibleApiDeps): CompatibleApis {
  const now = (): number => deps.clock.now();
  return {
    register(app, routes) {
      const callRoute = createRouteCaller(routes, deps.memory);
      const all = { ...deps, callRoute, now };
      registerForeignApi(app, createMailchannelsApi(all), all);
      registerForeignApi(app, createPostalApi(all), all);
    },
  };
}
