import type { AlertRule } from '../core/alerts/alert-rule.ts';
import type { RuleFault } from '../core/alerts/check-rule.ts';

/** What there is in a project, by what rules call it. */
export interface ProjectThings {
  endpoint: ReadonlySet<string>;
  source: ReadonlySet<string>;
  sink: ReadonlySet<string>;
  domain: ReadonlySet<string>;
  /** Keys that are not revoked. */
  key: ReadonlySet<string>;
}

const KINDS = ['endpoint', 'source', 'sink', 'domain'] as const;

/** What a rule names and is not there: refused when it is saved, shown on the rule when it goes later. */
export function checkNames(
  { scope, to, actions }: Pick<AlertRule, 'scope' | 'to' | 'actions'>,
  things: ProjectThings,
): RuleFault[] {
  const missing = (kind: keyof ProjectThings, name: string, pointer: string): RuleFault[] =>
    things[kind].has(name) ? [] : [{ pointer, detail: `There is no ${kind} ${name}.` }];
  return [
    ...KINDS.flatMap((kind) => {
      const name = scope[kind];
      return name === undefined ? [] : missing(kind, name, `/scope/${kind}`);
    }),
    ...to.sinks.flatMap((id, index) => missing('sink', id, `/to/sinks/${index}`)),
    ...actions.flatMap((action, index) =>
      action.type === 'hold_key' ? missing('key', action.key, `/actions/${index}/key`) : [],
    ),
  ];
}
