import type { z } from 'zod';

/**
 * A sink of the kind `http` with everything filled in for one API: what is left to say are a few settings of
 * its own. Once made, it is a sink like any other.
 */
export interface SinkPreset<S = unknown> {
  /** In the API: `hubspot-contacts`. Never changes. */
  readonly preset: string;
  /** For people, and the name of the sink where none is given. */
  readonly title: string;
  /** One sentence: what arrives there. */
  readonly summary: string;
  /** What has to be there before. Sentences. */
  readonly needs: string;
  /** snake_case fields; each says what it is. */
  readonly settings: z.ZodType<S>;
  /** Fields of the settings that end among the secrets of the sink. */
  readonly secrets: readonly (keyof S & string)[];
  readonly eventTypes: readonly string[];
  /** Settings of the kind `http`, and the JSONata that makes the body. */
  make(settings: S): { settings: Record<string, unknown>; transformation: string };
}

/** Keeps the types of a preset's own settings to itself. */
export function definePreset<S>(preset: SinkPreset<S>): SinkPreset {
  return preset as unknown as SinkPreset;
}
