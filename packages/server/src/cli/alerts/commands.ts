import type { ServerCommandSpec } from '../program/command-spec.ts';
import { listRules, takeDefaults, testRule } from './alert-rules.ts';
import { acknowledgeAlert, listAlerts, showAlert, snoozeAlert } from './watch-alerts.ts';

export const ALERT_COMMANDS: readonly ServerCommandSpec[] = [
  listAlerts,
  showAlert,
  acknowledgeAlert,
  snoozeAlert,
  listRules,
  takeDefaults,
  testRule,
];
