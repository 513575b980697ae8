import jsonata from 'jsonata';
import {
  type ExpressionAnswer,
  type ExpressionAnswers,
  type ExpressionGroup,
  GROUP_CHARS,
  GROUP_MS,
} from './protocol.ts';

/** A process that evaluates JSONata: whoever started it ends it when an expression does not end. */

/** Compiled expressions, the latest used last. */
const compiled = new Map<string, jsonata.Expression>();
const MAX_COMPILED = 100;

function compile(expression: string): jsonata.Expression {
  const found = compiled.get(expression) ?? jsonata(expression);
  compiled.delete(expression);
  compiled.set(expression, found);
  const oldest = compiled.keys().next().value;
  if (compiled.size > MAX_COMPILED && oldest !== undefined) compiled.delete(oldest);
  return found;
}

async function evaluate(expression: string, input: string): Promise<ExpressionAnswer> {
  try {
    const value: unknown = await compile(expression).evaluate(JSON.parse(input));
    const json = toJson(value);
    return { ok: true, ...(json === undefined ? {} : { json }) };
  } catch (error) {
    return { ok: false, error: String((error as { message?: unknown }).message ?? error) };
  }
}

function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // A function of JSONata has its surroundings with it, which lead back to it.
    throw new Error('What it makes is not JSON: a function is in it.');
  }
}

async function evaluateGroup({ expression, inputs }: ExpressionGroup): Promise<ExpressionAnswers> {
  const endsAt = performance.now() + GROUP_MS;
  const answers: ExpressionAnswer[] = [];
  let chars = 0;
  for (const input of inputs) {
    const answer = await evaluate(expression, input);
    answers.push(answer);
    if (answer.ok) chars += answer.json?.length ?? 0;
    if (performance.now() >= endsAt || chars >= GROUP_CHARS) break;
  }
  return answers;
}

process.on('message', async (group: ExpressionGroup) => {
  process.send?.(await evaluateGroup(group));
});
process.send?.('ready');
// Whoever started it has gone.
process.on('disconnect', () => process.exit());
