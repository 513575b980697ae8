import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dedupKey } from '../../../canonical-event.ts';
import { requestOf } from '../../fixtures/describe-provider.ts';
import { frontengine } from '../../frontengine.ts';
import type { Provider } from '../../provider.ts';
import { sendgrid } from '../../sendgrid.ts';

/** The keys of the events in a body. */
function keysOf(provider: Provider, body: string): string[] {
  return provider.decode(requestOf({ body })).map((event) => dedupKey(event, provider, null));
}

describe('what names no message and no time', () => {
  const warning = (volume: number) =>
    JSON.stringify({ event: 'SendLimitApproaching', payload: { volume, limit: 10_000 } });

  it('is told apart by its payload: two warnings of a limit', () => {
    assert.notDeepEqual(keysOf(frontengine, warning(9_000)), keysOf(frontengine, warning(9_001)));
  });

  it('is the same when it comes again', () => {
    assert.deepEqual(keysOf(frontengine, warning(9_000)), keysOf(frontengine, warning(9_000)));
  });

  it('is told apart also as inbound mail without a Message-ID', () => {
    const mail = (subject: string) =>
      new URLSearchParams({
        envelope: '{"to":["in@example.com"],"from":"a@example.org"}',
        headers: `Subject: ${subject}`,
        subject,
      }).toString();
    assert.notDeepEqual(keysOf(sendgrid, mail('one')), keysOf(sendgrid, mail('two')));
    assert.deepEqual(keysOf(sendgrid, mail('one')), keysOf(sendgrid, mail('one')));
  });
});

it('a message with an id is known by it, whatever else its payload says', () => {
  const click = (userAgent: string) =>
    JSON.stringify({
      event: 'MessageLinkClicked',
      payload: {
        url: 'https://a.example/',
        user_agent: userAgent,
        message: { id: 1, to: 'a@b.example' },
      },
    });
  assert.deepEqual(keysOf(frontengine, click('one')), keysOf(frontengine, click('two')));
});
