import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CanonicalEvent } from '@posthorn/sdk';
import { type Postfix, postfixMissing, startPostfix } from '../../smtp/fixtures/postfix.ts';
import { type DnsServer, startDnsServer } from './fixtures/dns-server.ts';
import { API_KEY } from './fixtures/in-process-server.ts';
import { type MailSink, startMailSink } from './fixtures/mail-sink.ts';
import type { Json } from './fixtures/test-client.ts';
import { startWholeServer, type WholeServer } from './fixtures/whole-server.ts';

const missing = postfixMissing();

const isAbout = (messageId: string, recipient: string, type: string) => (event: CanonicalEvent) =>
  event.type === type && event.data.message?.id === messageId && event.data.recipient === recipient;

/** The events of one recipient that the receiver has taken, in the order of the log. */
function eventsOf(
  { receiver }: WholeServer,
  messageId: string,
  recipient: string,
): CanonicalEvent[] {
  return [...receiver.taken.values()]
    .filter(({ data }) => data.message?.id === messageId && data.recipient === recipient)
    .sort((a, b) => (a.data.sequence ?? 0) - (b.data.sequence ?? 0));
}

/** Waits for the last event of each recipient, and gives the types of all. */
async function settle(
  server: WholeServer,
  messageId: string,
  last: Record<string, string>,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const [recipient, type] of Object.entries(last)) {
    await server.receiver.until(isAbout(messageId, recipient, type));
  }
  // `sent` goes out beside the last one, and may arrive after it.
  for (const recipient of Object.keys(last)) {
    await server.receiver.until(isAbout(messageId, recipient, 'email.accepted'));
    found[recipient] = eventsOf(server, messageId, recipient).map(({ type }) => type);
  }
  return found;
}

/** The timeline of the API holds the same events, byte for byte as JSON, and that each was taken. */
async function assertTimeline({ client, receiver }: WholeServer, messageId: string): Promise<Json> {
  const message = await client.get(`/v1/messages/${messageId}`);
  for (const { event, deliveries } of message.timeline) {
    await receiver.until(({ id }) => id === event.id);
    assert.deepEqual(event, receiver.taken.get(event.id));
    assert.equal(deliveries.length, 1);
    assert.equal(deliveries[0].endpoint_url, receiver.url);
  }
  return message;
}

describe('with Postfix as the smarthost', { skip: missing }, () => {
  let postfix: Postfix;
  let server: WholeServer;
  before(async () => {
    postfix = await startPostfix();
    server = await startWholeServer({ smarthost: `smtp://127.0.0.1:${postfix.port}?verify=false` });
  });
  after(async () => {
    await server?.stop();
    await postfix?.stop();
  });

  test('each recipient of one message gets events that say what Postfix said', async () => {
    const { id } = await server.client.post('/v1/messages', {
      from: 'Shop <shop@example.org>',
      to: ['known@example.com', 'nobody@example.com'],
      cc: 'later@example.com',
      bcc: 'other@example.com',
      subject: 'Grüße',
      text: 'Hello\n.\n..dots\n',
      tags: ['receipt'],
      metadata: { order: 7 },
    });
    const last = {
      'known@example.com': 'email.delivered',
      'other@example.com': 'email.delivered',
      'nobody@example.com': 'email.bounced',
      'later@example.com': 'email.deferred',
    };
    await settle(server, id, last);
    const message = await assertTimeline(server, id);
    const received = await postfix.nextMail('known');
    assert.match(received, /^To: known@example\.com, nobody@example\.com$/m);
    assert.doesNotMatch(received, /other@example\.com[\s\S]*\n\n/);
    assert.match(received, /\n\nHello\n\.\n\.\.dots\n/);
    await postfix.nextMail('other');

    for (const [recipient, type] of Object.entries(last)) {
      const events = eventsOf(server, id, recipient);
      assert.deepEqual(
        events.map((event) => event.type),
        ['email.accepted', 'email.sent', type],
      );
      for (const { data } of events) {
        assert.deepEqual(data.tags, ['receipt']);
        assert.deepEqual(data.metadata, { order: 7 });
        assert.equal(data.message?.subject, 'Grüße');
        assert.equal(data.provider, 'posthorn');
      }
      assert.equal(events.at(-1)?.data.state, type.slice('email.'.length));
    }

    const lastOf = (recipient: string) =>
      eventsOf(server, id, recipient).at(-1)?.data ?? assert.fail();
    const { latency_ms, response, ...delivered } =
      lastOf('known@example.com').delivery ?? assert.fail();
    assert.partialDeepStrictEqual(delivered, {
      attempt: 1,
      smtp_code: 250,
      enhanced_code: '2.0.0',
      mx: '127.0.0.1',
      remote_ip: '127.0.0.1',
      tls: true,
      next_attempt_at: null,
    });
    assert.match(response ?? '', /queued as/);
    assert.ok((latency_ms ?? -1) >= 0);

    const bounced = lastOf('nobody@example.com');
    assert.equal(bounced.delivery?.smtp_code, 550);
    assert.equal(bounced.delivery?.enhanced_code, '5.1.1');
    assert.match(bounced.delivery?.response ?? '', /User unknown in virtual mailbox table/);
    assert.equal(bounced.bounce?.type, 'hard');
    assert.equal(bounced.bounce?.category, 'invalid_address');
    assert.equal(bounced.bounce?.scope, 'recipient');

    const deferred = lastOf('later@example.com');
    assert.equal(deferred.delivery?.smtp_code, 450);
    assert.equal(deferred.delivery?.enhanced_code, '4.2.1');
    assert.match(deferred.delivery?.response ?? '', /Mailbox busy/);
    assert.ok(Date.parse(deferred.delivery?.next_attempt_at ?? '') > Date.now());

    const states = message.recipients.map((one: Json) => [
      one.address,
      one.kind,
      one.state,
      one.attempts,
    ]);
    assert.deepEqual(states.sort(), [
      ['known@example.com', 'to', 'delivered', 1],
      ['later@example.com', 'cc', 'deferred', 1],
      ['nobody@example.com', 'to', 'bounced', 1],
      ['other@example.com', 'bcc', 'delivered', 1],
    ]);
    const later = message.recipients.find((one: Json) => one.kind === 'cc');
    assert.equal(later.next_attempt_at, deferred.delivery?.next_attempt_at);
  });
});

describe('with Postfix as a client of the submission port', { skip: missing }, () => {
  let sink: MailSink;
  let server: WholeServer;
  let postfix: Postfix;
  before(async () => {
    sink = await startMailSink({ defers: () => false });
    server = await startWholeServer({
      smarthost: `smtp://127.0.0.1:${sink.port}`,
      smtpRequireTls: 'true',
    });
    postfix = await startPostfix({ port: server.smtpPort, user: 'posthorn', pass: API_KEY });
  });
  after(async () => {
    await postfix?.stop();
    await server?.stop();
    await sink?.close();
  });

  test('what it hands over behind STARTTLS with SASL is delivered and told', async () => {
    const lines = [
      'From: a@example.org',
      'To: user@elsewhere.test',
      'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
      'Message-ID: <from-postfix@example.org>',
      'X-Posthorn-Tags: one, two',
      '',
      'hi',
      '',
    ];
    const recipients = ['user@elsewhere.test', 'bounce@elsewhere.test'];
    await postfix.sendmail('a@example.org', recipients, lines.join('\n'));
    const { data } = await server.receiver.until(({ type }) => type === 'email.delivered');
    const id = data.message?.id ?? assert.fail();
    const types = await settle(server, id, {
      'user@elsewhere.test': 'email.delivered',
      'bounce@elsewhere.test': 'email.bounced',
    });
    assert.deepEqual(Object.keys(types).sort(), [...recipients].sort());
    assert.equal(data.message?.subject, 'Grüße');
    assert.equal(data.message?.smtp_id, '<from-postfix@example.org>');
    assert.deepEqual(data.tags, ['one', 'two']);
    const message = await assertTimeline(server, id);
    assert.equal(message.accepted_by, 'smtp');
    assert.equal(sink.taken.get('<from-postfix@example.org> user@elsewhere.test'), 1);
  });
});

describe('with DNS, to the mail servers of the recipients', { skip: missing }, () => {
  let dns: DnsServer;
  let postfix: Postfix;
  let server: WholeServer;
  before(async () => {
    postfix = await startPostfix();
    dns = await startDnsServer({
      // Nobody listens at the better one.
      'example.com': {
        mx: [
          { exchange: 'mx.example.com', priority: 20 },
          { exchange: 'down.example.com', priority: 10 },
        ],
      },
      'mx.example.com': { a: ['127.0.0.1'] },
      'down.example.com': { a: ['127.0.0.9'] },
      'nomx.test': { a: ['127.0.0.1'] },
      'nullmx.test': { mx: [{ exchange: '.', priority: 0 }] },
      'xn--bcher-kva.test': { mx: [{ exchange: 'mx.example.com', priority: 0 }] },
      'private.test': { mx: [{ exchange: 'inside.test', priority: 0 }] },
      'inside.test': { a: ['10.1.2.3'] },
    });
    server = await startWholeServer({
      dnsServers: dns.address,
      mailPort: String(postfix.port),
      mailNetworks: 'loopback',
    });
  });
  after(async () => {
    await server?.stop();
    await postfix?.stop();
    await dns?.close();
  });

  const send = async (to: string): Promise<string> => {
    const body = { from: 'a@example.org', to, subject: 's', text: 'x' };
    const { id } = await server.client.post('/v1/messages', body);
    return id;
  };
  const lastOf = async (to: string, type: string): Promise<CanonicalEvent['data']> => {
    const id = await send(to);
    const { data } = await server.receiver.until(
      ({ type: of, data: { message } }) => of === type && message?.id === id,
    );
    await assertTimeline(server, id);
    return data;
  };

  test('goes on to the next mail server by preference where nobody answers', async () => {
    const { delivery } = await lastOf('known@example.com', 'email.delivered');
    assert.equal(delivery?.mx, 'mx.example.com');
    assert.equal(delivery?.remote_ip, '127.0.0.1');
    assert.equal(delivery?.tls, true);
    assert.equal(delivery?.attempt, 1);
    assert.match(await postfix.nextMail('known'), /Subject: s/);
    assert.ok(dns.asked.includes('MX example.com'));
    assert.ok(dns.asked.includes('A down.example.com'));
  });

  test('takes the domain itself for the mail server where there is no MX', async () => {
    const { delivery, bounce } = await lastOf('known@nomx.test', 'email.bounced');
    assert.equal(delivery?.mx, 'nomx.test');
    assert.equal(delivery?.smtp_code, 554);
    assert.notEqual(bounce?.category, 'invalid_address');
  });

  test('asks for a domain with umlauts in its ASCII form', async () => {
    const { delivery } = await lastOf('known@bücher.test', 'email.bounced');
    assert.equal(delivery?.mx, 'mx.example.com');
    assert.ok(dns.asked.includes('MX xn--bcher-kva.test'));
  });

  test('bounces at once what a null MX will never take', async () => {
    const { delivery, bounce } = await lastOf('a@nullmx.test', 'email.bounced');
    assert.equal(bounce?.type, 'hard');
    assert.equal(bounce?.category, 'invalid_domain');
    assert.equal(bounce?.scope, 'domain');
    assert.equal(delivery?.mx, null);
    assert.equal(delivery?.smtp_code, null);
  });

  test('asks again for a domain that does not exist: one answer of DNS is no proof', async () => {
    const { delivery } = await lastOf('a@missing.test', 'email.deferred');
    assert.equal(delivery?.error_code, 'dns_not_found');
    assert.notEqual(delivery?.next_attempt_at, null);
  });

  test('does not deliver into networks that are not open', async () => {
    const { delivery, bounce } = await lastOf('a@private.test', 'email.bounced');
    assert.match(delivery?.response ?? '', /private or local addresses/);
    assert.notEqual(bounce?.category, 'invalid_address');
  });
});
