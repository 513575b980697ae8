import type { LiveEndpoint } from '../endpoints/live-endpoint.ts';
import { unsent } from '../post/post-result.ts';
import { type EndedAttempt, notPosted, type Poster } from '../poster/poster.ts';
import type { RenderUnit } from '../render.ts';
import { type EvaluateText, transformUnit } from './transform-unit.ts';

/**
 * Before a poster: lets the transformation of an endpoint that has one make the body. Posts of all
 * others go straight through.
 */
export function createTransformingPoster(
  poster: Poster,
  options: { evaluator: { evaluateText: EvaluateText; close(): void }; now: () => number },
): Poster {
  const { evaluator, now } = options;
  /** Versions that are over, while something of them may still be evaluated. */
  const forgotten = new WeakMap<LiveEndpoint, { closeConnections: boolean }>();
  let closed = false;

  async function postTransformed(endpoint: LiveEndpoint, unit: RenderUnit): Promise<EndedAttempt> {
    const made = await transformUnit(unit, endpoint, evaluator.evaluateText);
    if (closed) return notPosted(unsent('aborted', 'Posthorn is stopping.'));
    const [first] = made.unsent.values();
    if (made.unit === null) {
      const result = first ?? unsent('transformed_to_nothing', 'There is nothing to post.');
      return { ...notPosted(result), unsent: made.unsent };
    }
    // The deadline is the receiver's: it begins when the body is there.
    const post = await poster.post(endpoint, made.unit, now());
    const over = forgotten.get(endpoint);
    // It has made itself known once more.
    if (over !== undefined) poster.forget(endpoint, over.closeConnections);
    return { ...post, unsent: made.unsent, transformedBy: endpoint.record.version };
  }

  return {
    post(endpoint, unit, startedAtMs) {
      return endpoint.record.settings.transformation === null
        ? poster.post(endpoint, unit, startedAtMs)
        : postTransformed(endpoint, unit);
    },
    forget(endpoint, closeConnections) {
      if (endpoint.record.settings.transformation !== null) {
        forgotten.set(endpoint, { closeConnections });
      }
      poster.forget(endpoint, closeConnections);
    },
    async close() {
      closed = true;
      evaluator.close();
      await poster.close();
    },
  };
}
