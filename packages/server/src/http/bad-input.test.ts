import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ErrorCode } from '../lib/errors.ts';
import { assertProblem, type SendOptions, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi({ maxMessageBytes: 100_000 });
after(() => api.close());

const MESSAGE = { from: 'a@example.com', to: 'b@example.com', subject: 's', text: 't' };
const EVENT = { type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} };
const ENDPOINT = { url: 'https://app.example.com/hook' };

/** Sends what is wrong; checks that the problem names the place. Afterwards nothing was stored. */
async function refuse(
  path: string,
  options: SendOptions,
  expected: { code: ErrorCode; detail?: RegExp; pointers?: string[] },
): Promise<void> {
  const answer = await api.send('POST', path, options);
  assertProblem(answer, expected.code, expected.detail);
  if (expected.pointers !== undefined) {
    const found = answer.body.errors.map((one: { pointer: string }) => one.pointer);
    assert.deepEqual(found, expected.pointers, answer.text);
  }
}

const nothingStored = async () => {
  for (const path of ['/v1/messages', '/v1/events', '/v1/endpoints']) {
    assert.deepEqual((await api.send('GET', path)).body.data, [], path);
  }
};

test('says where a body stops being JSON', async () => {
  const cases: [string, RegExp][] = [
    ['{"from": ', /line 1, column 10 .*a value/],
    ['{\n  "from": "a",\n  "to": x\n}', /line 3, column 9 .*a value/],
    ['{"from": "a" "to"', /line 1, column 14 .*"," or "}"/],
    ['{"from": "a",}', /line 1, column 14 .*a name in double quotes/],
    ["{'from': 1}", /line 1, column 2 .*a name/],
    ['{"from" 1}', /column 9 .*":"/],
    ['[1, 2,]', /column 7 .*a value/],
    ['{"a": 01}', /column 8 .*"," or "}"/],
    ['{"a": "x\ny"}', /line 1, column 9 .*escape/],
    ['{"a": "\\x"}', /column 8 .*escapes/],
    ['{"a": "unended', /closing quote/],
    ['{} {}', /column 4 .*nothing more/],
    ['NaN', /column 1 .*a value/],
    ['\u0000\u0001\u0002', /column 1/],
  ];
  for (const [body, detail] of cases) {
    await refuse('/v1/messages', { body }, { code: 'malformed_json', detail });
  }
  await refuse(
    '/v1/messages',
    { body: Buffer.from([0xff, 0xfe, 0x00]) },
    { code: 'malformed_json' },
  );
});

test('refuses a body that is missing, of another type, or too large', async () => {
  for (const path of ['/v1/messages', '/v1/events', '/v1/endpoints']) {
    const detail = /The body is empty/;
    await refuse(path, {}, { code: 'malformed_json', detail });
    await refuse(path, { body: '' }, { code: 'malformed_json', detail });
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'nonsense',
      'application/xml',
    ]) {
      const options = { body: '{}', headers: { 'content-type': type } };
      await refuse(path, options, { code: 'unsupported_media_type', detail: /application\/json/ });
    }
  }
  const json = {
    body: JSON.stringify(MESSAGE),
    headers: { 'content-type': 'application/json; charset=utf-8' },
  };
  await refuse('/v1/endpoints', json, { code: 'invalid_field' });
  const large = JSON.stringify({ ...ENDPOINT, description: 'x'.repeat(1_100_000) });
  await refuse('/v1/endpoints', { body: large }, { code: 'too_large' });
  await refuse(
    '/v1/messages',
    { body: { ...MESSAGE, text: 'x'.repeat(100_001) } },
    { code: 'too_large', detail: /100000/ },
  );
  const content = Buffer.alloc(80_000).toString('base64');
  const attachments = [{ filename: 'a', content }];
  await refuse('/v1/messages', { body: { ...MESSAGE, attachments } }, { code: 'too_large' });
});

test('refuses what is JSON but no object', async () => {
  for (const path of ['/v1/messages', '/v1/events', '/v1/endpoints']) {
    for (const body of ['null', '"text"', '7', 'true', '[[]]', '[null]']) {
      await refuse(path, { body }, { code: 'invalid_field' });
    }
  }
  await refuse('/v1/messages', { body: '[]' }, { code: 'invalid_field' });
  await refuse('/v1/events', { body: '[]' }, { code: 'invalid_field' });
});

test('names an unknown field and the nearest one, at every depth', async () => {
  const cases: [string, object, string, RegExp][] = [
    ['/v1/messages', { ...MESSAGE, subjct: 'x' }, '/subjct', /Did you mean "subject"\?/],
    ['/v1/messages', { ...MESSAGE, replyTo: 'x' }, '/replyTo', /Did you mean "reply_to"\?/],
    [
      '/v1/messages',
      { ...MESSAGE, to: { email: 'b@example.com', nam: 'B' } },
      '/to/nam',
      /Did you mean "name"\?/,
    ],
    [
      '/v1/messages',
      { ...MESSAGE, to: [{ emial: 'b@example.com' }] },
      '/to/0/email',
      /This field is needed\./,
    ],
    [
      '/v1/messages',
      { ...MESSAGE, attachments: [{ filename: 'a', content: '', contentType: 'a/b' }] },
      '/attachments/0/contentType',
      /Did you mean "content_type"\?/,
    ],
    ['/v1/events', { ...EVENT, tpye: 'x' }, '/tpye', /Did you mean "type"\?/],
    [
      '/v1/events',
      { ...EVENT, data: { recipent: 'x' } },
      '/data/recipent',
      /Did you mean "recipient"\?/,
    ],
    [
      '/v1/events',
      [
        EVENT,
        {
          ...EVENT,
          data: { bounce: { type: 'hard', category: 'other', scope: 'recipient', scop: 'x' } },
        },
      ],
      '/1/data/bounce/scop',
      /Did you mean "scope"\?/,
    ],
    [
      '/v1/endpoints',
      { ...ENDPOINT, eventTypes: ['*'] },
      '/eventTypes',
      /Did you mean "event_types"\?/,
    ],
    ['/v1/endpoints', { ...ENDPOINT, 'a/b~c': 1 }, '/a~1b~0c', /no field/],
  ];
  for (const [path, body, pointer, detail] of cases) {
    const answer = await api.send('POST', path, { body });
    assertProblem(answer, 'invalid_field');
    const found = answer.body.errors.find((one: { pointer: string }) => one.pointer === pointer);
    assert.match(found?.detail ?? answer.text, detail);
  }
});

test('refuses fields of another type, with a pointer to each', async () => {
  const cases: [string, object, string[]][] = [
    ['/v1/messages', { ...MESSAGE, subject: 7 }, ['/subject']],
    ['/v1/messages', { ...MESSAGE, from: 7, text: {} }, ['/from', '/text']],
    ['/v1/messages', { ...MESSAGE, to: ['b@example.com', 7] }, ['/to/1']],
    ['/v1/messages', { ...MESSAGE, tags: 'one' }, ['/tags']],
    ['/v1/messages', { ...MESSAGE, metadata: [] }, ['/metadata']],
    ['/v1/messages', { ...MESSAGE, headers: { 'X-A': 1 } }, ['/headers/X-A']],
    ['/v1/messages', { ...MESSAGE, attachments: {} }, ['/attachments']],
    ['/v1/messages', { from: 'a@example.com', to: 'b@example.com' }, ['/text']],
    ['/v1/endpoints', { url: 1 }, ['/url']],
    ['/v1/endpoints', { ...ENDPOINT, event_types: [] }, ['/event_types']],
    ['/v1/endpoints', { ...ENDPOINT, event_types: ['email.bonced'] }, ['/event_types/0']],
    ['/v1/events', { ...EVENT, data: [] }, ['/data']],
    ['/v1/events', { ...EVENT, timestamp: 1 }, ['/timestamp']],
  ];
  for (const [path, body, pointers] of cases) {
    await refuse(path, { body }, { code: 'invalid_field', pointers });
  }
  const patterns = { ...ENDPOINT, event_types: ['email.bonced'] };
  await refuse(
    '/v1/endpoints',
    { body: patterns },
    { code: 'invalid_field', detail: /Did you mean "email\.bounced"\?/ },
  );
});

test('lets no line break or control character into a header', async () => {
  const attachment = { filename: 'a.txt', content: 'aGk=' };
  for (const bad of ['\r\nBcc: victim@example.com', '\nX', '\r', '\u0000', '\u000b', '\u007f']) {
    const bodies = [
      { subject: `s${bad}` },
      { from: `a@example.com${bad}` },
      { from: { email: 'a@example.com', name: `A${bad}` } },
      { from: { email: `a${bad}@example.com` } },
      { to: [`b${bad}@example.com`] },
      { to: [`"B${bad}" <b@example.com>`] },
      { cc: { email: 'c@example.com', name: bad } },
      { bcc: `b@example.com${bad}` },
      { reply_to: `b@exam${bad}ple.com` },
      { headers: { [`X-A${bad}`]: 'v' } },
      { headers: { 'X-A': `v${bad}` } },
      { headers: { 'Message-ID': `<a@b${bad}>` } },
      { tags: [`t${bad}`] },
      { attachments: [{ ...attachment, filename: `a${bad}` }] },
      { attachments: [{ ...attachment, content_type: `text/plain${bad}` }] },
      { attachments: [{ ...attachment, content_id: `id${bad}` }] },
    ];
    for (const part of bodies) {
      await refuse('/v1/messages', { body: { ...MESSAGE, ...part } }, { code: 'invalid_field' });
    }
    await refuse(
      '/v1/endpoints',
      { body: { ...ENDPOINT, description: `d${bad}` } },
      { code: 'invalid_field' },
    );
    await refuse(
      '/v1/events',
      { body: { ...EVENT, data: { recipient: `r${bad}@example.com` } } },
      { code: 'invalid_field' },
    );
  }
});

test('leaves the headers to Posthorn that decide over structure and route', async () => {
  for (const name of [
    'From',
    'TO',
    'bcc',
    'Subject',
    'Content-Type',
    'MIME-Version',
    'Received',
    'DKIM-Signature',
    'X-Posthorn-Id',
    'Return-Path',
  ]) {
    const body = { ...MESSAGE, headers: { [name]: 'v' } };
    await refuse(
      '/v1/messages',
      { body },
      { code: 'invalid_field', detail: /writes this header itself/ },
    );
  }
  for (const name of ['X A', 'X:A', '', 'Ümlaut', 'X'.repeat(101)]) {
    await refuse(
      '/v1/messages',
      { body: { ...MESSAGE, headers: { [name]: 'v' } } },
      { code: 'invalid_field' },
    );
  }
});

test('refuses what is no address, and says which', async () => {
  const wrong = [
    'nobody',
    '@example.com',
    'a@',
    'a@@b',
    'a b@example.com',
    'a@exa mple.com',
    'a@example..com',
    'a@localhost',
    'a@[127.0.0.1]',
    'a@[IPv6:::1]',
    'a@127.0.0.1',
    'a@-x.com',
    '.a@example.com',
    'a@example.com.',
    `${'x'.repeat(65)}@example.com`,
    `a@${'x'.repeat(64)}.com`,
    'Just A Name',
    '<>',
    'a@example.com>',
    'a@\u200bexample.com',
    `a@${'x.'.repeat(130)}com`,
  ];
  for (const address of wrong) {
    for (const value of [address, [address], { email: address }]) {
      const answer = await api.send('POST', '/v1/messages', { body: { ...MESSAGE, to: value } });
      const pointer = answer.body.errors?.[0].pointer;
      if (answer.status === 202) assert.fail(`${JSON.stringify(value)} was taken: ${answer.text}`);
      assertProblem(answer, 'invalid_field');
      assert.match(pointer, /^\/to(\/0)?(\/email)?$/, answer.text);
    }
  }
  await refuse(
    '/v1/messages',
    { body: { ...MESSAGE, from: 'a@example.com, b@example.com' } },
    { code: 'invalid_field', pointers: ['/from'] },
  );
  await refuse(
    '/v1/messages',
    { body: { ...MESSAGE, from: 'undisclosed:;' } },
    { code: 'invalid_field', pointers: ['/from'] },
  );
});

test('wants at least one recipient and at most 1,000', async () => {
  for (const part of [{ to: undefined }, { to: [] }, { to: [], cc: [], bcc: [] }]) {
    await refuse(
      '/v1/messages',
      { body: { ...MESSAGE, ...part } },
      { code: 'invalid_field', detail: /needs a recipient/ },
    );
  }
  const many = Array.from({ length: 1_001 }, (_, i) => `r${i}@example.com`);
  await refuse('/v1/messages', { body: { ...MESSAGE, to: many } }, { code: 'invalid_field' });
  const split = {
    ...MESSAGE,
    to: many.slice(0, 600),
    cc: many.slice(600, 900),
    bcc: many.slice(900),
  };
  await refuse('/v1/messages', { body: split }, { code: 'invalid_field', detail: /1001/ });
});

test('refuses attachments that are not base64, and too many of things', async () => {
  for (const content of ['not base64!', 'aGk', '====', 'aGk=\n', 7]) {
    await refuse(
      '/v1/messages',
      { body: { ...MESSAGE, attachments: [{ filename: 'a', content }] } },
      { code: 'invalid_field', pointers: ['/attachments/0/content'] },
    );
  }
  const attachment = { filename: 'a', content: '' };
  const cases: [object, string][] = [
    [{ attachments: Array(101).fill(attachment) }, '/attachments'],
    [{ tags: Array(11).fill('t') }, '/tags'],
    [{ tags: ['x'.repeat(129)] }, '/tags/0'],
    [{ tags: [''] }, '/tags/0'],
    [{ metadata: { a: 'x'.repeat(5_000) } }, '/metadata'],
    [{ metadata: { ['k'.repeat(65)]: 1 } }, `/metadata/${'k'.repeat(65)}`],
    [
      { headers: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`X-${i}`, 'v'])) },
      '/headers',
    ],
    [{ subject: 'x'.repeat(999) }, '/subject'],
  ];
  for (const [part, pointer] of cases) {
    await refuse(
      '/v1/messages',
      { body: { ...MESSAGE, ...part } },
      { code: 'invalid_field', pointers: [pointer] },
    );
  }
});

test('refuses names that would change objects, and bottomless nesting', async () => {
  for (const body of [
    '{"__proto__": {"from": "a@example.com"}}',
    '{"from": "a@example.com", "metadata": {"__proto__": {"admin": true}}}',
    '{"metadata": {"constructor": {"prototype": {"admin": true}}}}',
    '{"headers": {"__proto__": "x"}}',
  ]) {
    await refuse('/v1/messages', { body }, { code: 'malformed_json', detail: /not allowed/ });
  }
  await refuse(
    '/v1/messages',
    { body: { ...MESSAGE, constructor: 1, toString: 2 } },
    { code: 'invalid_field' },
  );
  assert.equal(Object.hasOwn(Object.prototype, 'admin'), false);
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const detail = /deeper than 64/;
  await refuse('/v1/messages', { body: deep }, { code: 'malformed_json', detail });
  const nested = `{"from":"a@example.com","to":"b@example.com","text":"t","metadata":{"a":${deep}}}`;
  await refuse('/v1/messages', { body: nested }, { code: 'malformed_json', detail });
  const raw = `{"type":"email.opened","timestamp":"2026-11-21T16:00:00Z","data":{"raw":${deep}}}`;
  await refuse('/v1/events', { body: raw }, { code: 'malformed_json', detail });
  await refuse('/v1/events', { body: '['.repeat(500_000) }, { code: 'malformed_json' });
});

test('stores no event of a list in which one is wrong, and points at it', async () => {
  const list = Array.from({ length: 500 }, () => EVENT);
  const wrong = [...list, { ...EVENT, type: 'email.bouncd' }, ...list.slice(1)];
  await refuse(
    '/v1/events',
    { body: wrong },
    {
      code: 'invalid_field',
      detail: /"email\.bouncd" is not an event type\. Did you mean "email\.bounced"\?/,
      pointers: ['/500/type'],
    },
  );
  await refuse(
    '/v1/events',
    { body: Array(1_001).fill(EVENT) },
    { code: 'invalid_field', detail: /1000/ },
  );
});

test('refuses events with an id, a time, a size or a type that cannot be', async () => {
  const cases: [object, string][] = [
    [{ type: 'bounce' }, '/type'],
    [{ type: 7 }, '/type'],
    [{ type: null }, '/type'],
    [{ id: 'evt_123' }, '/id'],
    [{ id: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }, '/id'],
    [{ id: 'msg_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, '/id'],
    [{ id: 'evt_01ARZ3NDEKTSV4RRFFQ69G5FA.' }, '/id'],
    [{ timestamp: 'yesterday' }, '/timestamp'],
    [{ timestamp: '2026-11-21' }, '/timestamp'],
    [{ timestamp: '2026-13-01T00:00:00Z' }, '/timestamp'],
    [{ timestamp: '2026-11-21T16:00:00' }, '/timestamp'],
    [
      {
        data: {
          metadata: { a: 'x'.repeat(4_000) },
          tags: ['x'],
          bounce: {
            type: 'hard',
            category: 'other',
            scope: 'recipient',
            description: 'x'.repeat(2_001),
          },
        },
      },
      '/data/bounce/description',
    ],
    [
      {
        data: {
          engagement: { url: 'u'.repeat(8_000) },
          tags: Array(50).fill('x'.repeat(200)),
          metadata: { a: 'x'.repeat(4_000) },
        },
      },
      '/data',
    ],
    [
      { data: { bounce: { type: 'harsh', category: 'other', scope: 'recipient' } } },
      '/data/bounce/type',
    ],
  ];
  for (const [part, pointer] of cases) {
    await refuse(
      '/v1/events',
      { body: { ...EVENT, ...part } },
      { code: 'invalid_field', pointers: [pointer] },
    );
  }
});

test('refuses endpoint URLs that it must not or cannot post to', async () => {
  const strict = await startTestApi({ loopback: false });
  const plain = await startTestApi({ loopback: false, allowHttp: true });
  try {
    const refused = [
      'nonsense',
      '//app.example.com',
      '/hook',
      'ftp://app.example.com/',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'https://',
      'https://user@app.example.com/',
      'https://user:pw@app.example.com/',
      'https://app.example.com/#x',
      'https://127.0.0.1/',
      'https://localhost/',
      'https://a.localhost/',
      'https://LOCALHOST./',
      'https://[::1]/',
      'https://10.0.0.1/',
      'https://192.168.1.1/',
      'https://172.16.0.1/',
      'https://169.254.169.254/latest/',
      'https://100.64.0.1/',
      'https://0.0.0.0/',
      'https://[::ffff:127.0.0.1]/',
      'https://[64:ff9b::7f00:1]/',
      'https://[2002:7f00:1::]/',
      'https://[fe80::1]/',
      'https://[fd00::1]/',
      'https://2130706433/',
      'https://0x7f.1/',
      'https://0177.0.0.1/',
      'https://127.1/',
      `https://app.example.com/${'x'.repeat(2_100)}`,
      '',
      ' ',
    ];
    for (const url of refused) {
      for (const one of [strict, plain]) {
        const answer = await one.send('POST', '/v1/endpoints', { body: { url } });
        assertProblem(answer, 'invalid_field');
        assert.equal(answer.body.errors[0].pointer, '/url', url);
      }
    }
    const http = { body: { url: 'http://app.example.com/' } };
    assertProblem(await strict.send('POST', '/v1/endpoints', http), 'invalid_field', /Use https/);
    assert.equal((await plain.send('POST', '/v1/endpoints', http)).status, 201);
    assert.deepEqual((await strict.send('GET', '/v1/endpoints')).body.data, []);
    const { body } = await plain.send('GET', '/v1/endpoints');
    const change = { body: { url: 'https://10.0.0.1/' } };
    assertProblem(
      await plain.send('PATCH', `/v1/endpoints/${body.data[0].id}`, change),
      'invalid_field',
    );
  } finally {
    await strict.close();
    await plain.close();
  }
});

test('refuses queries that cannot be, with the name of the parameter', async () => {
  const cases: [string, string][] = [
    ['/v1/messages?limit=0', '?limit'],
    ['/v1/messages?limit=101', '?limit'],
    ['/v1/messages?limit=-1', '?limit'],
    ['/v1/messages?limit=1.5', '?limit'],
    ['/v1/messages?limit=ten', '?limit'],
    ['/v1/messages?limit=', '?limit'],
    ['/v1/messages?limit=1&limit=2', '?limit'],
    ['/v1/messages?recipients=a@example.com', '?recipients'],
    ['/v1/events?type=email.bonced', '?type'],
    ['/v1/events?type=', '?type'],
    ['/v1/deliveries?state=lost', '?state'],
    ['/v1/endpoints?cursr=x', '?cursr'],
  ];
  for (const [path, pointer] of cases) {
    const answer = await api.send('GET', path);
    assertProblem(answer, 'invalid_field');
    assert.equal(answer.body.errors[0].pointer, pointer, path);
  }
});

test('has stored nothing of all this', nothingStored);
