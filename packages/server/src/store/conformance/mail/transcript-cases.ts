import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPerson } from '../../../core/erase-person.ts';
import type { TranscriptRecord } from '../../mail/transcripts.ts';
import { NOW_MS, type OpenEngine, type Sandbox, useStore } from '../sandbox.ts';

function recordOf(
  { projectId, ids }: Sandbox,
  fields: Partial<TranscriptRecord> = {},
): TranscriptRecord {
  return {
    projectId,
    messageId: ids.next('message'),
    id: ids.next('transcript'),
    startedAtMs: NOW_MS,
    latencyMs: 312,
    recipients: [{ recipient: 'anna@person.test', attempt: 1, outcome: 'delivered' }],
    lines: [
      { atMs: 0, from: 'note', text: 'Connecting to mx.test (192.0.2.1) port 25' },
      { atMs: 7, from: 'server', text: '220 mx.test' },
      { atMs: 8, from: 'client', text: 'RCPT TO:<anna@person.test>' },
      { atMs: 9, from: 'server', text: '250 ü 🙂' },
      { atMs: 10, from: 'server', text: '' },
    ],
    ...fields,
  };
}

async function store({ engine, store: { transcripts } }: Sandbox, ...records: TranscriptRecord[]) {
  const statements = records.map((record) => transcripts.insertion(record, NOW_MS + 1_000));
  await engine.commit({ events: [], statements });
}

export function describeTranscripts(open: OpenEngine): void {
  describe('transcripts of attempts', () => {
    const sandbox = useStore(open);

    test('are read back as they were, those of one message in their order', async () => {
      const box = await sandbox();
      const first = recordOf(box);
      const { messageId } = first;
      const second = recordOf(box, { messageId, startedAtMs: NOW_MS + 5, lines: [] });
      await store(box, second, recordOf(box), first);
      const found = await box.store.transcripts.ofMessage(box.projectId, messageId, 10);
      assert.deepEqual(found, [first, second]);
      const one = await box.store.transcripts.ofMessage(box.projectId, messageId, 1);
      assert.deepEqual(one, [first]);
      assert.deepEqual(await box.store.transcripts.ofMessage('prj_other', messageId, 10), []);
    });

    test('keep each line one line, whatever a server said', async () => {
      const box = await sandbox();
      const text = 'a\u0000b\nc\rd\te';
      const record = recordOf(box, { lines: [{ atMs: 1, from: 'server', text }] });
      await store(box, record);
      const [found] = await box.store.transcripts.ofMessage(box.projectId, record.messageId, 10);
      assert.deepEqual(found?.lines, [{ atMs: 1, from: 'server', text: 'a b c d e' }]);
    });

    test('forget an erased person and nobody else', async () => {
      const box = await sandbox();
      const theirs = recordOf(box);
      const other = recordOf(box, {
        recipients: [{ recipient: 'bert@person.test', attempt: 1, outcome: 'bounced' }],
        lines: [{ atMs: 0, from: 'client', text: 'RCPT TO:<bert@person.test>' }],
      });
      await store(box, theirs, other);
      const walk = box.store.erasure.walks.find(({ name }) => name === 'transcripts');
      const { statements, changed } =
        (await walk?.step({
          projectId: box.projectId,
          person: createPerson('Anna@person.test'),
          after: null,
          nowMs: NOW_MS,
        })) ?? assert.fail('no such walk');
      assert.equal(changed, 1);
      await box.engine.commit({ events: [], statements });
      const [left] = await box.store.transcripts.ofMessage(box.projectId, theirs.messageId, 10);
      assert.equal(left?.lines.length, 5);
      assert.doesNotMatch(JSON.stringify(left), /anna/i);
      assert.deepEqual(await box.store.transcripts.ofMessage(box.projectId, other.messageId, 10), [
        other,
      ]);
    });
  });
}
