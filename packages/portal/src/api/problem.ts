/** One wrong field: `pointer` as the API gives it, a JSON pointer into the body or `?name`. */
export interface FieldProblem {
  pointer: string;
  detail: string;
}

/**
 * What went wrong with a request, in the words of the server (RFC 9457) or, when nothing came back, of
 * the portal. `code` is one of docs/api.md, or `offline` or `unreadable`.
 */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: readonly FieldProblem[];
  readonly requestId: string | null;

  constructor(
    message: string,
    facts: { status: number; code: string; fields?: readonly FieldProblem[]; requestId?: string },
  ) {
    super(message);
    this.status = facts.status;
    this.code = facts.code;
    this.fields = facts.fields ?? [];
    this.requestId = facts.requestId ?? null;
  }

  /** What the server says of the field with this name, or of a part of it: for the form to show beside it. */
  fieldDetail(name: string): string | null {
    const found = this.fields.find(
      ({ pointer }) =>
        pointer === `/${name}` || pointer === `?${name}` || pointer.startsWith(`/${name}/`),
    );
    return found?.detail ?? null;
  }
}

export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Problem(message, { status: 0, code: 'unreadable' });
}
