import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_LIMITS, NO_RETENTION, settleProject, USUAL_SENDING } from './project-settings.ts';

const DEFAULTS = { apiRequestsPerSecond: 1_000, retentionMs: 30, bodyRetentionMs: 7 };

test('a project without settings of its own has those of the server, and no other limit', () => {
  assert.deepEqual(
    settleProject({ limits: NO_LIMITS, retention: NO_RETENTION, sending: USUAL_SENDING }, DEFAULTS),
    {
      ...DEFAULTS,
      eventsPerSecond: null,
      endpoints: null,
      emailsPerHour: null,
      emailsPerDay: null,
      sending: USUAL_SENDING,
    },
  );
});

test('each setting of its own counts alone, a limit of nothing included', () => {
  const own = {
    limits: { ...NO_LIMITS, apiRequestsPerSecond: 5, endpoints: 0 },
    retention: { ...NO_RETENTION, bodiesDays: 2 },
    sending: { ...USUAL_SENDING, suppressAfterSoftBounces: 3 },
  };
  assert.deepEqual(settleProject(own, DEFAULTS), {
    apiRequestsPerSecond: 5,
    eventsPerSecond: null,
    endpoints: 0,
    emailsPerHour: null,
    emailsPerDay: null,
    retentionMs: 30,
    bodyRetentionMs: 172_800_000,
    sending: { ...USUAL_SENDING, suppressAfterSoftBounces: 3 },
  });
});
