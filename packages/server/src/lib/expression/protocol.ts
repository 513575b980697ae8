/** Between the evaluator and its process. */
export interface ExpressionTask {
  expression: string;
  /** JSON. */
  input: string;
}

/** `json` is absent where the expression makes nothing of its input. */
export type ExpressionAnswer = { ok: true; json?: string } | { ok: false; error: string };
