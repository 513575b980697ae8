import {
  type Check,
  type CheckContext,
  describe,
  draft,
  fail,
  isTaken,
  pass,
  send,
  sendEvent,
  withBody,
} from './check.ts';

/** Above what frameworks take by default (Express: 100 kB), below what a batch may have. */
const LARGE_BYTES = 262_144;
/** More than any sender's batch: 1,000 events of 20 kB, the largest that there are. */
const HUGE_BYTES = 25 * 1_048_576;

export const REQUEST_CHECKS: readonly Check[] = [
  {
    name: 'other_methods',
    title: 'Answers 405 to other methods',
    needs: 'connection',
    async run({ url, send: ask }) {
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
        const reply = await ask({ url, method, headers: {}, body: null });
        const allow = reply.status === null ? '' : String(reply.headers['allow'] ?? '');
        if (reply.status !== 405) {
          return fail(
            `${method} was answered with ${describe(reply)}.`,
            'Answer 405 with "Allow: POST" to every other method.',
          );
        }
        if (!/\bPOST\b/i.test(allow)) {
          return fail(
            `${method} was answered with 405, but without a header Allow that names POST.`,
            'Add "Allow: POST" to the 405 (RFC 9110 section 15.5.6).',
          );
        }
      }
      return pass('GET, PUT, PATCH and DELETE get 405 with Allow.');
    },
  },
  {
    name: 'content_type',
    title: 'Goes by the content type',
    needs: 'acceptance',
    async run(context) {
      const withCharset = 'application/json; charset=utf-8';
      if (contentTypeOf(context) === 'application/json') {
        const reply = await sendTyped(context, withCharset);
        if (!isTaken(reply)) {
          return fail(
            `Refused "${withCharset}": ${describe(reply)}.`,
            'Compare the media type without its parameters.',
          );
        }
      }
      const reply = await sendTyped(context, 'application/xml');
      if (reply.status !== null && reply.status >= 400 && reply.status < 500) {
        return pass(`application/xml: ${describe(reply)}.`);
      }
      return fail(
        `An event as application/xml was answered with ${describe(reply)}.`,
        'Answer 415 to any other type than that of the events: whatever parses the others was not meant for this.',
      );
    },
  },
  {
    name: 'malformed_body',
    title: 'Answers 4xx to a malformed body',
    needs: 'acceptance',
    run: checkMalformed,
  },
  {
    name: 'large_event',
    title: 'Takes an event of 256 kB',
    needs: 'acceptance',
    async run(context) {
      const reply = await sendLarge(context);
      if (isTaken(reply)) return pass(`${describe(reply)}.`);
      return fail(
        `An event of 256 kB was answered with ${describe(reply)}.`,
        'Raise the limit of the body to 1 MB: batches, bounce texts and raw payloads are large. (Express stops at 100 kB.)',
      );
    },
  },
  {
    name: 'huge_body',
    title: 'Refuses a body of 25 MB',
    needs: 'acceptance',
    async run(context) {
      // White space behind the event: whoever takes so much would take it for a valid one.
      const written = draft(context, context.newEvent());
      const body = written.post.body.padEnd(HUGE_BYTES, ' ');
      const reply = await send(context, withBody(written, body));
      // Who answers 413 before the end and closes is often seen as a connection that broke.
      if (reply.status === null && reply.code !== 'timeout')
        return pass('It closed the connection.');
      if (reply.status !== null && reply.status >= 400 && reply.status < 500) {
        return pass(`${describe(reply)}.`);
      }
      return fail(
        `A body of 25 MB was answered with ${describe(reply)}.`,
        'Set a limit and answer 413 beyond it: anybody can send bodies, before any signature is looked at.',
      );
    },
  },
];

/** Each is signed rightly, so that it gets as far as the parser. */
const MALFORMED: readonly { what: string; body: string; mustRefuse: boolean }[] = [
  { what: 'a body that is not JSON', body: 'This is no event.', mustRefuse: true },
  { what: 'JSON that breaks off', body: '{"type":"email.bou', mustRefuse: true },
  { what: 'an empty body', body: '', mustRefuse: true },
  { what: 'the JSON value null', body: 'null', mustRefuse: false },
  { what: 'a JSON number', body: '1e999', mustRefuse: false },
  { what: 'an empty object', body: '{}', mustRefuse: false },
  { what: '"data" that is a text', body: '{"type":"email.bounced","data":"x"}', mustRefuse: false },
  {
    what: 'JSON nested 10,000 deep',
    body: '['.repeat(10_000) + ']'.repeat(10_000),
    mustRefuse: false,
  },
];

async function checkMalformed(context: CheckContext) {
  const fix =
    'Catch what the parser throws and answer 400: after a 5xx the sender tries the same bytes for days.';
  for (const { what, body, mustRefuse } of MALFORMED) {
    const reply = await send(context, withBody(draft(context, context.newEvent()), body));
    if (reply.status === null || reply.status >= 500) {
      return fail(`Answered ${what} with ${describe(reply)}.`, fix);
    }
    if (mustRefuse && isTaken(reply)) {
      return fail(`Took ${what}: ${describe(reply)}.`, 'Answer 400 to what cannot be read.');
    }
  }
  return pass(`${MALFORMED.length} broken bodies, none with an answer of 500 or above.`);
}

function contentTypeOf(context: CheckContext): string | undefined {
  const { post, id } = draft(context, context.newEvent());
  return context.writer.sign(post, { id, nowMs: context.nowMs() }).headers['content-type'];
}

function sendTyped(context: CheckContext, type: string) {
  return sendEvent(context, context.newEvent(), { headers: { 'content-type': type } });
}

/**
 * As valid as before: the padding is the provider's payload, which an event may have with it; a dialect
 * that leaves that out gets white space behind the event.
 */
function sendLarge(context: CheckContext) {
  const event = context.newEvent();
  const raw = { padding: 'x'.repeat(LARGE_BYTES) };
  const written = draft(context, { ...event, data: { ...event.data, raw } });
  return send(context, withBody(written, written.post.body.padEnd(LARGE_BYTES, ' ')));
}
