/** Between the evaluator and its process: inputs of one expression, as JSON. */
export interface ExpressionGroup {
  expression: string;
  inputs: readonly string[];
}

/** `json` is absent where the expression makes nothing of its input. */
export type ExpressionAnswer = { ok: true; json?: string } | { ok: false; error: string };

/** At least one, in the order of the inputs; for those behind, there was no time or no room. */
export type ExpressionAnswers = readonly ExpressionAnswer[];

/** The process begins no other evaluation of a group after so long, ms: what waits besides has its turn. */
export const GROUP_MS = 50;

/** Inputs or answers of a group have no more than so many characters together, unless it is a single one. */
export const GROUP_CHARS = 1_000_000;
