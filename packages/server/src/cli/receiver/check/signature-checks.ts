import type { CanonicalEvent } from '@posthorn/sdk';
import type { Reply } from '../webhook/exchange.ts';
import {
  type Check,
  type CheckContext,
  describe,
  draft,
  type Finding,
  fail,
  isTaken,
  pass,
  send,
  sendEvent,
  skip,
  withBody,
} from './check.ts';

const HOUR_MS = 3_600_000;
/** What happens to an event may happen after the answer; so long is waited for it, ms. */
export const SETTLE_MS = 500;

/** Their retries have the signature of the first try, so receivers have to allow for a day. */
const KEEPS_SIGNATURE = ['mailgun', 'sendgrid'];

/** What says no. 404 and 410 say that there is no receiver, and some senders then switch it off. */
const REFUSALS = [400, 401, 403, 406, 422];

const VERIFY =
  'Verify the signature over the raw body, and answer 401 before anything else is done with the event.';

export const SIGNATURE_CHECKS: readonly Check[] = [
  {
    name: 'raw_body',
    title: 'Verifies the bytes as they came',
    needs: 'acceptance',
    async run(context) {
      const written = draft(context, context.newEvent());
      const parsed = readJson(written.post.body);
      if (parsed === undefined) return skip('The bodies of this dialect are no JSON.');
      // The same JSON in another spelling, as another serializer would write it.
      const body = JSON.stringify(parsed, null, 2).replaceAll('/', '\\/');
      const reply = await send(context, withBody(written, body));
      if (isTaken(reply)) return pass(`JSON with line breaks and escapes: ${describe(reply)}.`);
      return fail(
        `Rightly signed JSON with line breaks and escapes was refused: ${describe(reply)}.`,
        'Verify the raw bytes of the request. A body that was parsed and serialized again has others.',
      );
    },
  },
  {
    name: 'bad_signature',
    title: 'Refuses a bad signature',
    needs: 'acceptance',
    async run(context) {
      const { writer } = context;
      const other = { ...context, writer: writer.withOtherKey() };
      const finding = await expectRefusal(context, 'a signature with another secret', (event) =>
        sendEvent(other, event),
      );
      if (finding.result !== 'pass' || signatureHeaders(context).length === 0) return finding;
      return expectRefusal(context, 'a body that is not the signed one', (event) => {
        const { post, id } = draft(context, event);
        const { headers, body } = writer.sign(post, { id, nowMs: context.nowMs() });
        return context.send({ url: context.url, method: 'POST', headers, body: tamper(body) });
      });
    },
  },
  {
    name: 'missing_signature',
    title: 'Refuses a missing signature',
    needs: 'acceptance',
    async run(context) {
      const names = signatureHeaders(context);
      if (names.length === 0) return skip('The signature of this dialect stands in the body.');
      const headers = Object.fromEntries(names.map((name) => [name, null]));
      return expectRefusal(context, `an event without ${names.join(' and ')}`, (event) =>
        sendEvent(context, event, { headers }),
      );
    },
  },
  {
    name: 'old_signature',
    title: 'Refuses an old signature',
    needs: 'acceptance',
    run: (context) => checkSignedTime(context, 'past'),
  },
  {
    name: 'future_signature',
    title: 'Refuses a signature of the future',
    needs: 'acceptance',
    run: (context) => checkSignedTime(context, 'future'),
  },
];

async function checkSignedTime(context: CheckContext, when: 'past' | 'future'): Promise<Finding> {
  if (!signsTime(context)) {
    return skip(`The dialect ${context.writer.dialect} signs no time: remember the ids instead.`);
  }
  const hours = KEEPS_SIGNATURE.includes(context.writer.dialect) ? 48 : 1;
  const signedAtMs = context.nowMs() + (when === 'past' ? -hours : hours) * HOUR_MS;
  const what =
    when === 'past'
      ? `an event that was signed ${hours} h ago`
      : `an event that was signed ${hours} h ahead of the clock`;
  const finding = await expectRefusal(context, what, (event) =>
    sendEvent(context, event, { signedAtMs }),
  );
  if (finding.result !== 'fail') return finding;
  return {
    ...finding,
    fix: 'Compare the signed time with the clock and refuse with 401 beyond 5 minutes (a day with senders that sign retries no anew), both ways: otherwise whoever records a request can send it again.',
  };
}

/** Sends what must be refused, and sees that it did nothing. */
async function expectRefusal(
  context: CheckContext,
  what: string,
  send: (event: CanonicalEvent) => Promise<Reply>,
): Promise<Finding> {
  const before = await context.effects?.read();
  const reply = await send(context.newEvent());
  if (isTaken(reply)) return fail(`Took ${what}: ${describe(reply)}.`, VERIFY);
  if (reply.status === null || !REFUSALS.includes(reply.status)) {
    return fail(`Answered ${what} with ${describe(reply)}.`, 'Answer 401 to what is not signed.');
  }
  if (context.effects === null) return pass(`${capital(what)}: ${describe(reply)}.`);
  await context.sleep(SETTLE_MS);
  if ((await context.effects.read()) === before) {
    return pass(`${capital(what)}: ${describe(reply)}, and nothing happened.`);
  }
  return fail(`Refused ${what} (${reply.status}), but handled it.`, VERIFY);
}

/** The headers that change with the body: those hold the signature, whatever the dialect. */
function signatureHeaders(context: CheckContext): string[] {
  const nowMs = context.nowMs();
  const { post, id } = draft(context, context.newEvent());
  const sign = (body: string) => context.writer.sign({ ...post, body }, { id, nowMs }).headers;
  const one = sign(post.body);
  const other = sign(tamper(post.body));
  return Object.keys(one).filter((name) => one[name] !== other[name]);
}

function signsTime(context: CheckContext): boolean {
  const { post, id } = draft(context, context.newEvent());
  const nowMs = context.nowMs();
  const now = context.writer.sign(post, { id, nowMs });
  const earlier = context.writer.sign(post, { id, nowMs: nowMs - HOUR_MS });
  const differs = Object.keys(now.headers).some(
    (name) => now.headers[name] !== earlier.headers[name],
  );
  return differs || now.body !== earlier.body;
}

/** Another recipient; where the dialect hides the sample's, a space more: still JSON, but other bytes. */
function tamper(body: string): string {
  const changed = body.replaceAll('jane.doe', 'john.doe');
  return changed === body ? `${body} ` : changed;
}

/** Undefined when it is no JSON. */
export function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
