import type { KeyMode } from '../../core/key-mode.ts';
import {
  compileHoldRules,
  type HoldQuestion,
  type HoldReason,
  type HoldRule,
  type HoldRules,
} from '../../core/mail/hold-rules.ts';
import type { ProjectSending } from '../../core/project-settings.ts';

/** Why a message waits for a person. */
export interface Hold {
  reason: HoldReason;
  /** The name of the rule, where one is the reason. */
  rule: string | null;
}

/** What is held of what comes in. Mail of a sandbox key is not: nothing of it is sent anyway. */
export interface HoldDecider {
  /** By the key, or by a rule of the project; null: it may go. */
  decide(projectId: string, keyMode: KeyMode, question: () => HoldQuestion): Hold | null;
  /** Whether what exceeds a sending limit waits, and is not refused. */
  holdsOverLimit(projectId: string): boolean;
}

export function createHoldDecider(
  sendingOf: (projectId: string) => Pick<ProjectSending, 'holdRules' | 'holdOverLimit'>,
): HoldDecider {
  /** A project's rules are the same list until somebody changes the project. */
  const compiled = new WeakMap<readonly HoldRule[], HoldRules>();

  function rulesOf(projectId: string): HoldRules {
    const { holdRules } = sendingOf(projectId);
    const found = compiled.get(holdRules) ?? compileHoldRules(holdRules);
    compiled.set(holdRules, found);
    return found;
  }

  return {
    decide(projectId, keyMode, question) {
      if (keyMode === 'sandbox') return null;
      if (keyMode === 'hold') return { reason: 'key', rule: null };
      if (sendingOf(projectId).holdRules.length === 0) return null;
      const rule = rulesOf(projectId)(question());
      return rule === null ? null : { reason: 'rule', rule };
    },
    holdsOverLimit: (projectId) => sendingOf(projectId).holdOverLimit,
  };
}
