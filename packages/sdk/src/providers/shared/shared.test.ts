import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseLosslessJson } from '../../lossless-json.ts';
import { requestOf } from '../fixtures/describe-provider.ts';
import { metadataOf, tagsOf } from './build/build-event.ts';
import { classifyBounce, classifyPermanent } from './build/classify-bounce.ts';
import { mailHeader } from './build/inbound-mail.ts';
import { typeOfName } from './build/type-names.ts';
import { addressesOf, addressOf, messageIdOf } from './read/addresses.ts';
import { firstText, flag, headerIn, integer, list, text } from './read/fields.ts';
import { parsePath, valuesAt } from './read/json-path.ts';
import { parseMultipart } from './read/multipart.ts';
import { readForm, readJson } from './read/request-body.ts';
import { enhancedCodeOf, smtpCodeIn, smtpCodeOf } from './read/smtp-status.ts';
import { fromDateText, fromEpoch, timeOf } from './read/timestamps.ts';
import { verifyUnsigned } from './verify/transport-secrets.ts';

describe('times', () => {
  it('keeps the digits of the source', () => {
    assert.equal(fromEpoch(1600112492), '2020-09-14T19:41:32Z');
    assert.equal(fromEpoch('1521472262.000002'), '2018-03-19T15:11:02.000002Z');
    assert.equal(fromEpoch(1477945177.12994), '2016-10-31T20:19:37.12994Z');
    assert.equal(fromEpoch(1685541608993), '2023-05-31T14:00:08.993Z');
    assert.equal(fromEpoch(1685541608993123), '2023-05-31T14:00:08.993123Z');
    assert.equal(
      fromEpoch(parseLosslessJson('1685541608993123456')),
      '2023-05-31T14:00:08.993123456Z',
    );
    assert.equal(
      fromEpoch(parseLosslessJson('1685541608.12345678901234')),
      '2023-05-31T14:00:08.123456789Z',
    );
  });

  it('reads dates in each form, and as UTC', () => {
    for (const [written, expected] of [
      ['2019-11-05T16:33:54.9070259-05:00', '2019-11-05T21:33:54.9070259Z'],
      ['2024-06-10T09:23:31+0200', '2024-06-10T07:23:31Z'],
      ['2015-11-30 15:09:42', '2015-11-30T15:09:42Z'],
      ['2015-11-30 15:09:42 UTC', '2015-11-30T15:09:42Z'],
      ['2015-11-30', '2015-11-30T00:00:00Z'],
      ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59Z'],
      ['11/21/2026 4:05:06 PM', '2026-11-21T16:05:06Z'],
      ['1/2/2026 12:00:00 AM', '2026-01-02T00:00:00Z'],
      ['Fri, 3 Mar 2023 18:22:03 -0800', '2023-03-04T02:22:03Z'],
      ['Fri, 3 Mar 2023 18:22:03 -0800 (PST)', '2023-03-04T02:22:03Z'],
    ] as const) {
      assert.equal(fromDateText(written), expected, written);
    }
  });

  it('takes no time for one that cannot be, and the next for one that is none', () => {
    for (const wrong of [
      '',
      'soon',
      '2024-13-01T00:00:00Z',
      '2024-02-30',
      '24:00',
      null,
      {},
      'Z',
      '1/2/3',
    ]) {
      assert.equal(fromDateText(wrong), null);
    }
    for (const wrong of [162509800, 0, -5, 'x', 1e300, Number.NaN, '9'.repeat(30)])
      assert.equal(fromEpoch(wrong), null);
    assert.equal(timeOf(0, undefined, 'soon', 1600112492), '2020-09-14T19:41:32Z');
  });

  it('gives back every time that it writes', () => {
    fc.assert(
      fc.property(
        fc.date({
          min: new Date('2000-01-01T00:00:00Z'),
          max: new Date('2099-12-31T23:59:59Z'),
          noInvalidDate: true,
        }),
        (date) => {
          const iso = date.toISOString();
          assert.equal(fromDateText(iso), iso);
          const seconds = (date.getTime() / 1_000).toFixed(3);
          assert.equal(Date.parse(fromEpoch(seconds) ?? ''), date.getTime());
        },
      ),
    );
  });
});

describe('addresses', () => {
  it('finds the address and lowers its domain only', () => {
    assert.equal(addressOf('"Doe, Jane" <Jane.Doe@Example.COM>'), 'Jane.Doe@example.com');
    assert.equal(addressOf(' mailto:A@B.example '), 'A@b.example');
    assert.equal(addressOf('a@b.example\r\nBcc: c@d.example'), 'a@b.example');
    assert.equal(addressOf('a\u0000b@c.example'), 'ab@c.example');
    assert.equal(addressOf(''), null);
    assert.equal(addressOf(7), '7');
    assert.equal(messageIdOf('a@b'), '<a@b>');
    assert.equal(messageIdOf('<a@b>'), '<a@b>');
  });

  it('splits a header at commas that are not in quotes', () => {
    assert.deepEqual(addressesOf('"Doe, Jane" <jane@a.example>, bob@B.example; <c@d.example>'), [
      'jane@a.example',
      'bob@b.example',
      'c@d.example',
    ]);
    assert.deepEqual(addressesOf('"'.repeat(8_000)), []);
  });
});

describe('bounces', () => {
  const categoryOf = (report: Parameters<typeof classifyBounce>[0]) => {
    const { type, category, scope } = classifyBounce(report);
    return [type, category, scope];
  };

  it('goes by the word, then the code, then the text', () => {
    assert.deepEqual(categoryOf({ words: ['Mailbox Full'], enhancedCode: '5.1.1' }), [
      'soft',
      'mailbox_full',
      'recipient',
    ]);
    assert.deepEqual(categoryOf({ words: ['who knows'], enhancedCode: '5.1.1' }), [
      'hard',
      'invalid_address',
      'recipient',
    ]);
    assert.deepEqual(
      categoryOf({ response: '550 Requested action not taken: mailbox unavailable' }),
      ['soft', 'mailbox_inactive', 'recipient'],
    );
    assert.deepEqual(categoryOf({ response: '550 5.7.26 SPF did not pass' }), [
      'soft',
      'policy',
      'infrastructure',
    ]);
    assert.deepEqual(categoryOf({ response: '421 4.7.0 greylisted' }), [
      'soft',
      'greylisted',
      'policy',
    ]);
    assert.deepEqual(categoryOf({ response: '550' }), ['undetermined', 'other', 'policy']);
    assert.deepEqual(categoryOf({}), ['undetermined', 'other', 'policy']);
    assert.deepEqual(categoryOf({ type: 'hard' }), ['hard', 'other', 'recipient']);
    assert.equal(classifyPermanent({}).type, 'hard');
    assert.equal(classifyPermanent({ response: '550 5.7.1 blocked' }).type, 'soft');
  });

  it('reads codes out of replies, and none out of what only looks like one', () => {
    assert.equal(smtpCodeIn('smtp; 550 5.1.1 no'), 550);
    assert.equal(smtpCodeIn('REJECTED[other] (452 quota)'), 452);
    assert.equal(smtpCodeIn('at 10.250.1.1 port 2525'), null);
    assert.equal(smtpCodeOf('550'), 550);
    assert.equal(smtpCodeOf(605), null);
    assert.equal(enhancedCodeOf('550-5.1.1 x'), '5.1.1');
    assert.equal(enhancedCodeOf('Exim 4.94.2.1'), null);
  });
});

describe('fields', () => {
  it('answers null for what is not there, whatever is', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const read of [
          text,
          integer,
          flag,
          addressOf,
          messageIdOf,
          fromEpoch,
          fromDateText,
          smtpCodeOf,
          enhancedCodeOf,
        ])
          read(value);
        assert.ok(Array.isArray(list(value)));
        headerIn(value, 'x');
        assert.ok(tagsOf(value).every((tag) => typeof tag === 'string'));
      }),
    );
    assert.equal(firstText(null, '', ' ', 0), '0');
    assert.equal(text(parseLosslessJson('104427216766056450')), '104427216766056450');
  });

  it('reads headers from objects and from lists in each form', () => {
    for (const headers of [
      { 'Message-ID': '<a>' },
      [['message-id', '<a>']],
      [{ name: 'Message-Id', value: '<a>' }],
      [{ Name: 'MESSAGE-ID', Value: '<a>' }],
      [{ key: 'message-id', value: '<a>' }],
      { 'message-id': ['<a>', '<b>'] },
    ]) {
      assert.equal(headerIn(headers, 'Message-ID'), '<a>');
    }
    assert.equal(mailHeader('Subject: a\r\n b\r\nTo: x\r\n\r\nSubject: c', 'subject'), 'a b');
  });

  it('takes tags in each form, and metadata only where it is some', () => {
    assert.deepEqual(tagsOf('a'), ['a']);
    assert.deepEqual(tagsOf('["a","b"]'), ['a', 'b']);
    assert.deepEqual(tagsOf([{ name: 'a', value: 'b' }, null, 3, 'a']), ['a', '3']);
    assert.deepEqual(tagsOf(null), []);
    assert.deepEqual(metadataOf('{"a":1}'), { a: 1 });
    assert.deepEqual(metadataOf([1]), {});
    assert.deepEqual(metadataOf({ a: 'x'.repeat(9_000) }), {});
  });
});

describe('bodies', () => {
  it('takes null for no webhook of anybody, and an empty list for a batch of none', () => {
    assert.throws(() => readJson(requestOf({ body: 'null' })), { code: 'invalid_payload' });
    assert.deepEqual(readJson(requestOf({ body: '[]' })), []);
  });

  it('takes a form for one by its type or its look, and JSON never', () => {
    assert.deepEqual(readForm(requestOf({ body: 'a=1&b=%2B+x' }))?.fields, { a: '1', b: '+ x' });
    assert.equal(readForm(requestOf({ body: '{"a=":1}' })), null);
    assert.equal(readForm(requestOf({ body: '' })), null);
    assert.deepEqual(Object.keys(readForm(requestOf({ body: '__proto__=1' }))?.fields ?? {}), [
      '__proto__',
    ]);
  });

  it('reads parts of any bytes, and loses none that is well formed', () => {
    const part = fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/), value: fc.uint8Array() });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const unique = parts.filter(
          (one, at) => parts.findIndex(({ name }) => name === one.name) === at,
        );
        const body = Buffer.concat([
          ...unique.map(({ name, value }) =>
            Buffer.concat([
              Buffer.from(
                `--bound\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\n`,
              ),
              value,
              Buffer.from('\r\n'),
            ]),
          ),
          Buffer.from('--bound--\r\n'),
        ]);
        const { files } = parseMultipart(body, 'multipart/form-data; boundary="bound"');
        assert.deepEqual(
          files.map(({ name, content_b64 }) => [name, content_b64]),
          unique.map(({ name, value }) => [name, Buffer.from(value).toString('base64')]),
        );
      }),
    );
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.string(),
        (body, type) => parseMultipart(body, `multipart/form-data; boundary=${type}`) !== null,
      ),
    );
  });
});

describe('paths', () => {
  it('finds what they name', () => {
    const root = { a: { b: [{ c: 1 }, { c: 2 }] }, 'x y': 3 };
    const at = (path: string) => valuesAt(root, parsePath(path) ?? []);
    assert.deepEqual(at('$.a.b[1].c'), [2]);
    assert.deepEqual(at('a.b[*].c'), [1, 2]);
    assert.deepEqual(at("$['x y']"), [3]);
    assert.deepEqual(at('a.nothing.c'), []);
    assert.deepEqual(at('$'), [root]);
    for (const wrong of ['', '.', 'a..b', 'a[', 'a[x]', 'a b', '$a', 'a[0]b'])
      assert.equal(parsePath(wrong), null, wrong);
  });

  it('knows types by many names', () => {
    for (const name of [
      'email.bounced',
      'com.example.email.bounced',
      'Hard Bounce',
      'message.bounced',
      'BOUNCE',
    ])
      assert.equal(typeOfName(name), 'email.bounced', name);
    for (const name of ['constructor', 'invoice.paid', '', null])
      assert.equal(typeOfName(name), undefined);
  });
});

describe('secrets in the request', () => {
  const passes = (secrets: string[], request: Parameters<typeof requestOf>[0]): boolean => {
    try {
      verifyUnsigned(requestOf(request), { secrets, nowMs: 0 });
      return true;
    } catch {
      return false;
    }
  };
  const basic = { authorization: `Basic ${Buffer.from('me:a:b').toString('base64')}` };

  it('are found where they are said to stand, and nowhere else', () => {
    assert.ok(passes(['basic:me:a:b'], { headers: basic }));
    assert.ok(passes(['basic:me:a:b'], { url: 'https://me:a%3Ab@x.example/' }));
    assert.ok(passes(['bearer:tok'], { headers: { Authorization: 'Bearer tok' } }));
    assert.ok(passes(['header:X-Key:v:w'], { headers: { 'x-key': 'v:w' } }));
    assert.ok(passes(['query:token:v'], { url: '/hook?token=v' }));
    assert.ok(!passes(['query:token:v'], { url: '/hook?other=v' }));
    assert.ok(!passes(['header:constructor:x', 'query:constructor:x'], {}));
    assert.ok(!passes(['bearer:', 'basic:', 'header:x:', 'query:x:'], {}));
  });

  it('are found anywhere when they do not say where', () => {
    const requests: Parameters<typeof requestOf>[0][] = [
      { headers: { 'x-any': 'tok' } },
      { url: '/?a=tok' },
      { headers: { authorization: 'Bearer tok' } },
    ];
    for (const request of requests) assert.ok(passes(['no', 'tok'], request));
    assert.ok(passes(['me:a:b'], { headers: basic }));
    assert.ok(!passes(['tok'], { body: 'tok' }));
    assert.ok(passes([], {}));
  });
});
