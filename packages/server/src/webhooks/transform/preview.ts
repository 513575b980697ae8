import type { CanonicalEvent } from '@posthorn/sdk';
import type { PreviewLine } from '../../core/preview-line.ts';
import type { LiveEndpoint } from '../endpoints/live-endpoint.ts';
import { unsent } from '../post/post-result.ts';
import { previewBody } from '../render.ts';
import { type EvaluateText, type Made, transformEvent } from './transform-unit.ts';

/** The body of an event, which the log has as `body`, as the endpoint gets it, without a signature. */
export async function makePreview(
  body: string,
  endpoint: LiveEndpoint,
  evaluate: EvaluateText,
): Promise<Made> {
  const { transformation, dialect } = endpoint.record.settings;
  if (transformation !== null) return transformEvent(body, endpoint, evaluate);
  const text = previewBody(body, endpoint);
  if (text !== null) return { text };
  return { failure: unsent('not_in_dialect', `The dialect ${dialect} has no word for it.`) };
}

/** What the endpoint would get of these events. Nothing is sent. */
export async function previewEvents(
  events: readonly CanonicalEvent[],
  endpoint: LiveEndpoint,
  evaluate: EvaluateText,
): Promise<PreviewLine[]> {
  const lines: PreviewLine[] = [];
  let late: Made | null = null;
  for (const event of events) {
    const ofEvent = { eventId: event.id, eventType: event.type };
    if (!endpoint.matches(event)) {
      lines.push({ ...ofEvent, outcome: 'left_out', body: null, error: null });
      continue;
    }
    // What takes too long once is not asked again: somebody waits for the answer.
    const made: Made = late ?? (await makePreview(JSON.stringify(event), endpoint, evaluate));
    if ('failure' in made && made.failure.errorCode === 'transformation_limit') late = made;
    lines.push({ ...ofEvent, ...toOutcome(made) });
  }
  return lines;
}

function toOutcome(made: Made): Pick<PreviewLine, 'outcome' | 'body' | 'error'> {
  if ('text' in made) return { outcome: 'sent', body: toShown(made.text), error: null };
  const { errorCode, errorDetail } = made.failure;
  const isLeftOut = errorCode === 'transformed_to_nothing' || errorCode === 'not_in_dialect';
  if (isLeftOut) return { outcome: 'left_out', body: null, error: null };
  return { outcome: 'failed', body: null, error: errorDetail };
}

/** Some dialects post forms. */
function toShown(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
