import { ExpressionError, type ExpressionFault } from '../../lib/expression/evaluator.ts';
import type { LiveEndpoint } from '../endpoints/live-endpoint.ts';
import type { PostErrorCode } from '../post/post-errors.ts';
import { type PostResult, unsent } from '../post/post-result.ts';
import { bodiesOf, bodyFor, joinBodies, type RenderUnit } from '../render.ts';

/**
 * What a JSONata expression makes of a JSON text; undefined: nothing. Rejects with ExpressionError.
 */
export type EvaluateText = (expression: string, json: string) => Promise<string | undefined>;

export interface Transformed {
  /** What is left to be posted, its body made; null where nothing is. */
  unit: RenderUnit | null;
  /** By event: why it is not among it. */
  unsent: ReadonlyMap<string, PostResult>;
}

/** A body as it goes, or why there is none. */
export type Made = { text: string } | { failure: PostResult };

/** What the bodies of one post may have together, in characters: a batch of large ones is no reason to run out of memory. */
const MAX_POST_CHARS = 8_388_608;

/** Makes the body of a post of what the endpoint's transformation makes of each event. */
export async function transformUnit(
  unit: RenderUnit,
  endpoint: LiveEndpoint,
  evaluate: EvaluateText,
): Promise<Transformed> {
  const groups = unit.groups ?? [unit.deliveries];
  const bodies = bodiesOf(groups, endpoint);
  const isOrdered = endpoint.record.settings.order !== 'none';
  const sent: { group: (typeof groups)[number]; text: string }[] = [];
  const failures = new Map<string, PostResult>();
  let chars = 0;
  for (const [index, group] of groups.entries()) {
    const made = limitPost(await makeBody(bodies[index] ?? '', endpoint, evaluate), chars);
    if ('text' in made) {
      chars += made.text.length;
      sent.push({ group, text: made.text });
      continue;
    }
    const { failure } = made;
    // What follows must not overtake what comes again.
    if (isOrdered && !FINAL.has(failure.errorCode)) return noneOf(unit, failure);
    for (const { eventId } of group) failures.set(eventId, failure);
  }
  if (sent.length === 0) return { unit: null, unsent: failures };
  const text = joinBodies(
    sent.map((one) => one.text),
    unit.isBatch,
  );
  const kept = sent.map(({ group }) => group);
  const rest = {
    deliveries: kept.flat(),
    groups: unit.groups === null ? null : kept,
    isBatch: unit.isBatch,
    text,
  };
  return { unit: rest, unsent: failures };
}

/** The body of one event, which the log has as `body`, as the endpoint gets it. */
export function transformEvent(
  body: string,
  endpoint: LiveEndpoint,
  evaluate: EvaluateText,
): Promise<Made> {
  return makeBody(bodyFor(body, endpoint), endpoint, evaluate);
}

async function makeBody(
  body: string,
  { record }: LiveEndpoint,
  evaluate: EvaluateText,
): Promise<Made> {
  const { transformation } = record.settings;
  if (transformation === null) return { text: body };
  try {
    const text = await evaluate(transformation, body);
    if (text !== undefined) return { text };
    const why = 'The transformation of the endpoint makes nothing of the event.';
    return { failure: unsent('transformed_to_nothing', why) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { failure: unsent(CODES[error.fault], `The transformation: ${error.message}`) };
  }
}

const CODES: Readonly<Record<ExpressionFault, PostErrorCode>> = {
  expression: 'transformation_failed',
  limit: 'transformation_limit',
  ours: 'local_error',
};

const FINAL: ReadonlySet<PostErrorCode | null> = new Set<PostErrorCode>([
  'transformed_to_nothing',
  'transformation_failed',
]);

function limitPost(made: Made, chars: number): Made {
  if ('failure' in made || chars + made.text.length <= MAX_POST_CHARS) return made;
  const why = `The transformation: what it makes of a batch has more than ${MAX_POST_CHARS} characters. Let the batches have fewer events.`;
  return { failure: unsent('transformation_limit', why) };
}

function noneOf({ deliveries }: RenderUnit, failure: PostResult): Transformed {
  return { unit: null, unsent: new Map(deliveries.map(({ eventId }) => [eventId, failure])) };
}
