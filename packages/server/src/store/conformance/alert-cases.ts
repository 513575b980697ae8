import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert, AlertNotice, AlertRule } from '../../core/alerts/alert-rule.ts';
import { defaultSettings } from '../../core/alerts/new-rule.ts';
import { type Statement, StoreConflict } from '../engine.ts';
import { NOW_MS, type OpenEngine, RETENTION_MS, type Sandbox, useStore } from './sandbox.ts';

function ruleOf(box: Sandbox, fields: Partial<AlertRule> = {}): AlertRule {
  return {
    ...defaultSettings('bounce_rate'),
    projectId: box.projectId,
    id: box.ids.next('alertRule'),
    name: 'Bounces "ä" 🙂',
    type: 'bounce_rate',
    scope: { stream: 'broadcast' },
    quietHours: { timeZone: 'Europe/Berlin', from: '22:00', to: '07:00', days: ['mon'] },
    to: { sinks: ['snk_1'], emails: ['ops@example.com'] },
    actions: [{ type: 'hold_stream', stream: 'broadcast' }],
    isEnabled: true,
    version: 1,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    ...fields,
  };
}

function alertOf(box: Sandbox, fields: Partial<Alert> = {}): Alert {
  return {
    projectId: box.projectId,
    id: box.ids.next('alert'),
    ruleId: 'alr_1',
    ruleName: 'Bounces',
    type: 'endpoint_failing',
    subject: { kind: 'endpoint', id: 'ep_1', name: 'Shop' },
    scope: {},
    windowMs: null,
    sentence: 'Shop has been failing for 10 minutes; the line is 10 minutes.',
    value: 600.5,
    worstValue: 700,
    threshold: 600,
    volume: null,
    firedAtMs: NOW_MS,
    calmSinceMs: null,
    repeatAtMs: NOW_MS + 5,
    resolvedAtMs: null,
    resolvedBecause: null,
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    snoozedUntilMs: null,
    snoozedBy: null,
    version: 1,
    ...fields,
  };
}

function noticeOf(box: Sandbox, alert: Alert, fields: Partial<AlertNotice> = {}): AlertNotice {
  return {
    projectId: alert.projectId,
    alertId: alert.id,
    id: box.ids.next('alertNotice'),
    turn: 'fired',
    kind: 'sink',
    destination: 'snk_1',
    state: 'waiting',
    attempts: 0,
    dueAtMs: NOW_MS,
    isQuiet: false,
    detail: null,
    createdAtMs: NOW_MS,
    settledAtMs: null,
    ...fields,
  };
}

export function describeAlerts(open: OpenEngine): void {
  describe('alerts', () => {
    const sandbox = useStore(open);
    const commit = (box: Sandbox, ...statements: Statement[]) =>
      box.engine.commit({ events: [], statements });
    const keep = NOW_MS + RETENTION_MS;

    test('a rule is stored, changed and removed', async () => {
      const [box, other] = [await sandbox(), await sandbox()];
      const { alertRules: rules } = box.store;
      const [first, second] = [ruleOf(box), ruleOf(box, { isEnabled: false, quietHours: null })];
      await rules.insert([first, second], []);
      assert.deepEqual(await rules.get(first), first);
      assert.deepEqual(await rules.of(box.projectId), [first, second]);
      assert.deepEqual(await other.store.alertRules.of(other.projectId), []);
      const page = await rules.list({ projectId: box.projectId, limit: 1, beforeId: null });
      assert.deepEqual(page.rows, [second]);
      await assert.rejects(rules.insert([ruleOf(box), first], []), StoreConflict);
      assert.equal((await rules.of(box.projectId)).length, 2, 'all of them or none');
      const changed = { ...first, threshold: 0.5, version: 2 };
      await rules.update(first, changed);
      assert.deepEqual(await rules.get(first), changed);
      await assert.rejects(rules.update(first, { ...changed, version: 3 }), StoreConflict);
      await assert.rejects(rules.remove(first), StoreConflict);
      await rules.remove(changed);
      assert.equal(await rules.get(first), null);
    });

    test('of one rule about one thing one alert is open at a time', async () => {
      const [box, other] = [await sandbox(), await sandbox()];
      const { alerts } = box.store;
      const first = alertOf(box);
      await commit(box, alerts.insertion(first, keep));
      assert.deepEqual(await alerts.get(first), first);
      await assert.rejects(commit(box, alerts.insertion(alertOf(box), keep)), StoreConflict);
      const elsewhere = alertOf(box, { subject: null });
      await commit(box, alerts.insertion(elsewhere, keep));
      await commit(other, other.store.alerts.insertion(alertOf(other), keep));
      const over = { ...first, resolvedAtMs: NOW_MS + 1, resolvedBecause: 'recovered' as const };
      await commit(box, alerts.change(over, keep));
      assert.deepEqual(await alerts.get(first), { ...over, version: 2 });
      const again = alertOf(box);
      await commit(box, alerts.insertion(again, keep));
      assert.deepEqual(await alerts.open(box.projectId), [elsewhere, again]);
      assert.ok((await alerts.open()).length >= 3);
    });

    test('of two who change an alert at once one is refused', async () => {
      const box = await sandbox();
      const { alerts } = box.store;
      const alert = alertOf(box);
      await commit(box, alerts.insertion(alert, keep));
      const acknowledged = { ...alert, acknowledgedAtMs: NOW_MS, acknowledgedBy: 'Ada' };
      await commit(box, alerts.change(acknowledged, keep));
      await assert.rejects(commit(box, alerts.change({ ...alert, value: 1 }, keep)), StoreConflict);
      assert.equal((await alerts.get(alert))?.acknowledgedBy, 'Ada');
    });

    test('alerts are listed by state and rule, the newest first', async () => {
      const box = await sandbox();
      const { alerts } = box.store;
      const about = (id: string): Partial<Alert> => {
        return { subject: { kind: 'endpoint', id, name: id } };
      };
      const firing = alertOf(box, about('a'));
      const acknowledged = alertOf(box, { ...about('b'), acknowledgedAtMs: NOW_MS });
      const snoozed = alertOf(box, { ...about('c'), snoozedUntilMs: NOW_MS + 10 });
      const woken = alertOf(box, { ...about('d'), snoozedUntilMs: NOW_MS });
      const resolved = alertOf(box, { ruleId: 'alr_2', resolvedAtMs: NOW_MS });
      const all = [firing, acknowledged, snoozed, woken, resolved];
      await commit(box, ...all.map((alert) => alerts.insertion(alert, keep)));
      const list = async (state: Parameters<typeof alerts.list>[0]['state'], ruleId?: string) => {
        const page = { limit: 10, beforeId: null, nowMs: NOW_MS };
        const query = { projectId: box.projectId, state, ruleId: ruleId ?? null, ...page };
        return (await alerts.list(query)).rows;
      };
      assert.deepEqual(await list(null), all.toReversed());
      assert.deepEqual(await list('open'), [woken, snoozed, acknowledged, firing]);
      assert.deepEqual(await list('firing'), [woken, firing]);
      assert.deepEqual(await list('acknowledged'), [acknowledged]);
      assert.deepEqual(await list('snoozed'), [snoozed]);
      assert.deepEqual(await list('resolved'), [resolved]);
      assert.deepEqual(await list(null, 'alr_2'), [resolved]);
    });

    test('a notice is due until it is settled, and tried by one node at a time', async () => {
      const box = await sandbox();
      const { alertNotices: notices } = box.store;
      const alert = alertOf(box);
      const first = noticeOf(box, alert, { dueAtMs: NOW_MS - 1_000_000 });
      const later = noticeOf(box, alert, { dueAtMs: NOW_MS + 5, isQuiet: true });
      await commit(box, notices.insertion(first, keep), notices.insertion(later, keep));
      const due = async (nowMs: number) =>
        (await notices.due(nowMs, 100)).filter(({ projectId }) => projectId === box.projectId);
      assert.deepEqual(await due(NOW_MS), [first]);
      assert.deepEqual(await due(NOW_MS + 5), [first, later]);
      assert.ok(((await notices.nextDueAtMs()) ?? Number.NaN) <= NOW_MS - 1_000_000);
      const taken = { ...first, attempts: 1, dueAtMs: NOW_MS + 100 };
      await commit(box, notices.change(taken, first));
      await assert.rejects(commit(box, notices.change(taken, first)), StoreConflict);
      const sent = { ...taken, state: 'sent', dueAtMs: null, settledAtMs: NOW_MS } as const;
      await commit(box, notices.change(sent, taken));
      await assert.rejects(commit(box, notices.change({ ...sent }, taken)), StoreConflict);
      assert.deepEqual(await notices.of(box.projectId, [alert.id]), [sent, later]);
      assert.deepEqual(await notices.of(box.projectId, []), []);
      assert.deepEqual(await due(NOW_MS + 1_000), [later]);
    });

    test('what is over goes with its retention, and what is open stays', async () => {
      const box = await sandbox();
      const { alerts, alertNotices: notices } = box.store;
      const stays = alertOf(box);
      const goes = alertOf(box, { subject: null, resolvedAtMs: NOW_MS });
      await commit(
        box,
        ...[stays, goes].map((alert) => alerts.insertion(alert, NOW_MS)),
        ...[stays, goes].map((alert) => notices.insertion(noticeOf(box, alert), NOW_MS)),
      );
      for (let round = 0; round < 3; round++) {
        while ((await box.engine.purgeExpired({ nowMs: NOW_MS + 1, limit: 50 })).more);
      }
      assert.equal(await alerts.get(goes), null);
      assert.deepEqual(await alerts.get(stays), stays);
      assert.equal((await notices.of(box.projectId, [goes.id])).length, 0);
      assert.equal((await notices.of(box.projectId, [stays.id])).length, 1);
    });

    test('all of it goes with its project', async () => {
      const [box, other] = [await sandbox(), await sandbox()];
      const { alertRules: rules, alerts, alertNotices: notices } = box.store;
      const rule = ruleOf(box);
      const alert = alertOf(box);
      await rules.insert([rule], []);
      await other.store.alertRules.insert([ruleOf(other)], []);
      await commit(
        box,
        alerts.insertion(alert, keep),
        notices.insertion(noticeOf(box, alert), keep),
      );
      await box.store.projects.remove(box.projectId, NOW_MS);
      assert.equal(await rules.get(rule), null);
      assert.equal(await alerts.get(alert), null);
      assert.deepEqual(await notices.of(box.projectId, [alert.id]), []);
      assert.equal((await other.store.alertRules.of(other.projectId)).length, 1);
    });

    test('a key is made to hold what comes with it', async () => {
      const box = await sandbox();
      const { apiKeys } = box.store;
      const id = box.ids.next('apiKey');
      await apiKeys.insert(
        {
          projectId: box.projectId,
          id,
          name: 'a',
          keyHash: id,
          hint: 'x',
          scopes: ['send'],
          mode: 'live',
          createdAtMs: NOW_MS,
          expiresAtMs: null,
          lastUsedAtMs: null,
          revokedAtMs: null,
          link: null,
        },
        [],
      );
      await apiKeys.hold(box.projectId, id, NOW_MS);
      assert.equal((await apiKeys.get(box.projectId, id))?.mode, 'hold');
      await assert.rejects(apiKeys.hold(box.projectId, 'key_none', NOW_MS), StoreConflict);
    });
  });
}
