import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { createIds } from '../../core/ids.ts';
import { createReturnPathTokens } from './return-path-token.ts';

const ids = createIds({ now: () => 1_795_168_800_000, randomBytes });
const projects = Array.from({ length: 50 }, () => ids.next('project'));
const key = randomBytes(32);
const prefix = 'bounce+';
const tokens = createReturnPathTokens({ key, prefix, projectIds: () => projects });

function about(recipient = 'mila@example.com') {
  return { projectId: projects[7] ?? '', messageId: ids.next('message'), recipient };
}

test('names project, message and recipient, and fits into a local part', () => {
  fc.assert(
    fc.property(fc.emailAddress(), fc.nat(projects.length - 1), (recipient, at) => {
      const sent = { ...about(recipient), projectId: projects[at] ?? '' };
      const localPart = tokens.localPart(sent);
      assert.equal(localPart.length, 62);
      const ref = tokens.read(localPart);
      assert.deepEqual([ref?.projectId, ref?.messageId], [sent.projectId, sent.messageId]);
      assert.equal(ref !== null && tokens.isAbout(ref, recipient), true);
      assert.equal(ref !== null && tokens.isAbout(ref, `x${recipient}`), false);
    }),
  );
});

test('survives servers that change the case of a local part', () => {
  const sent = about();
  const localPart = tokens.localPart(sent);
  assert.equal(localPart, localPart.toLowerCase());
  assert.equal(tokens.read(localPart.toUpperCase())?.messageId, sent.messageId);
});

test('a token that was changed anywhere is none', () => {
  const localPart = tokens.localPart(about());
  for (let at = 0; at < localPart.length; at++) {
    for (const char of '0123456789abcdefghjkmnpqrstvwxyzilou+.') {
      if (localPart[at] === char) continue;
      const changed = localPart.slice(0, at) + char + localPart.slice(at + 1);
      assert.equal(tokens.read(changed), null, changed);
    }
  }
});

test('a token of another use, of a project that is gone, or of another recipient is none', () => {
  const sent = about();
  const other = createReturnPathTokens({
    key: randomBytes(32),
    prefix,
    projectIds: () => projects,
  });
  assert.equal(tokens.read(other.localPart(sent)), null);
  const without = createReturnPathTokens({
    key,
    prefix,
    projectIds: () => projects.filter((id) => id !== sent.projectId),
  });
  assert.equal(without.read(tokens.localPart(sent)), null);
  const [one, two] = [
    tokens.localPart(sent),
    tokens.localPart({ ...sent, recipient: 'b@x.example' }),
  ];
  // The message and the project of one, the recipient and the proof of the other, at every seam.
  for (let at = 'bounce+'.length + 26; at < one.length; at++) {
    const mixed = one.slice(0, at) + two.slice(at);
    if (mixed !== one && mixed !== two) assert.equal(tokens.read(mixed), null, mixed);
  }
});

test('any text is read without a throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(tokens.read(text), null);
      assert.equal(tokens.read(`bounce+${text}`), null);
    }),
  );
});
