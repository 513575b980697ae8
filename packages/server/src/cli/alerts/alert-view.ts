import { paintState, renderFields, type TableColumn, toShortTime } from '../output/table.ts';

/** As `GET /v1/alerts` says it (http/api/alerts/alert-json.ts), as far as it is shown. */
export interface AlertView {
  id: string;
  rule: { id: string; name: string };
  about: { name: string } | null;
  state: string;
  sentence: string;
  fired_at: string;
  resolved_at: string | null;
  resolved_because: string | null;
  acknowledged_by: string | null;
  snoozed_until: string | null;
  notices: { sent: number; waiting: number; failed: number };
  history?: NoticeView[];
}

interface NoticeView {
  what: string;
  kind: string;
  name: string;
  state: string;
  detail: string | null;
  created_at: string;
}

/** As `GET /v1/alert-rules` says it. */
export interface RuleView {
  id: string;
  name: string;
  type: string;
  enabled: boolean;
  sentence: string;
  problems: { pointer: string; detail: string }[];
  firing: number;
}

export const ALERT_COLUMNS: readonly TableColumn<AlertView>[] = [
  { head: 'alert', text: ({ id }) => id },
  {
    head: 'state',
    text: ({ state }) => state,
    paint: ({ state }, colors) => paintState(state === 'firing' ? 'failing' : state, colors),
  },
  { head: 'fired', text: (alert) => toShortTime(alert.fired_at) },
  { head: 'rule', minWidth: 8, text: ({ rule }) => rule.name },
  { head: 'what', minWidth: 10, text: ({ sentence }) => sentence },
];

export const RULE_COLUMNS: readonly TableColumn<RuleView>[] = [
  { head: 'rule', text: ({ id }) => id },
  { head: 'name', minWidth: 8, text: ({ name }) => name },
  { head: 'state', text: stateOfRule },
  { head: 'firing', align: 'right', text: ({ firing }) => firing },
  { head: 'what', minWidth: 10, text: ({ sentence }) => sentence },
];

export function renderAlert(alert: AlertView): string[] {
  const { notices, history = [] } = alert;
  return [
    ...renderFields([
      ['alert', alert.id],
      ['rule', `${alert.rule.name} (${alert.rule.id})`],
      ['about', alert.about?.name ?? null],
      ['what', alert.sentence],
      ['state', alert.state],
      ['fired', toShortTime(alert.fired_at)],
      ['resolved', alert.resolved_at === null ? null : toShortTime(alert.resolved_at)],
      ['because', alert.resolved_because],
      ['acknowledged', alert.acknowledged_by === null ? null : `by ${alert.acknowledged_by}`],
      [
        'snoozed',
        alert.snoozed_until === null ? null : `until ${toShortTime(alert.snoozed_until)}`,
      ],
      ['told', `${notices.sent}, ${notices.waiting} waiting, ${notices.failed} failed`],
    ]),
    ...history.map(({ what, kind, name, state, detail, created_at: at }) => {
      const more = detail === null ? '' : `: ${detail}`;
      return `  ${toShortTime(at)}  ${what} -> ${kind} ${name}: ${state}${more}`;
    }),
  ];
}

function stateOfRule({ enabled, problems }: RuleView): string {
  if (!enabled) return 'disabled';
  return problems.length === 0 ? 'ok' : 'incomplete';
}
