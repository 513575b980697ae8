import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  type Check,
  type CheckContext,
  describe,
  draft,
  type Finding,
  fail,
  isTaken,
  pass,
  sendEvent,
} from './check.ts';

const BURST_EVENTS = 200;
const BURST_WAVES = 10;
const BURST_MS = 1_000;

const PIECES = 10;
const PIECE_PAUSE_MS = 200;

const STALLED_SENDERS = 30;
/** Until all of them have been seen by the receiver, ms. */
const STALL_MS = 1_000;

export const NETWORK_CHECKS: readonly Check[] = [
  {
    name: 'slow_body',
    title: 'Waits for a slow body',
    needs: 'acceptance',
    async run(context) {
      const pause = (): Promise<void> => context.sleep(PIECE_PAUSE_MS);
      const pieces = { count: PIECES, pause };
      const reply = await sendEvent(context, context.newEvent(), { pieces });
      if (isTaken(reply)) return pass(`A body in ${PIECES} pieces over 2 s: ${describe(reply)}.`);
      return fail(
        `A body that took 2 s to arrive was answered with ${describe(reply)}.`,
        'Read the body to its end, whatever pieces it comes in, with a time limit of 10 s or more.',
      );
    },
  },
  {
    name: 'stalled_senders',
    title: 'Works on beside senders that stall',
    needs: 'acceptance',
    run: checkStalled,
  },
  {
    name: 'burst',
    title: 'Takes 200 events in a second',
    needs: 'acceptance',
    run: checkBurst,
  },
];

async function checkStalled(context: CheckContext): Promise<Finding> {
  const sockets = Array.from({ length: STALLED_SENDERS }, () => openStalled(context));
  try {
    await Promise.all(sockets.map(({ written }) => written));
    await context.sleep(STALL_MS);
    const reply = await sendEvent(context, context.newEvent());
    if (!isTaken(reply)) {
      return fail(
        `While ${STALLED_SENDERS} senders did not end their body, a valid event got ${describe(reply)}.`,
        'Read bodies side by side, and end connections that stall after some seconds.',
      );
    }
  } finally {
    for (const { socket } of sockets) socket.destroy();
  }
  await context.sleep(STALL_MS);
  const reply = await sendEvent(context, context.newEvent());
  if (isTaken(reply)) {
    return pass(`Beside ${STALLED_SENDERS} that never end their body, and after them.`);
  }
  return fail(
    `When ${STALLED_SENDERS} senders had broken off in the middle, a valid event got ${describe(reply)}.`,
    'Catch what reading the body throws: without that, one sender that hangs up ends the whole process.',
  );
}

async function checkBurst(context: CheckContext): Promise<Finding> {
  const replies: ReturnType<typeof sendEvent>[] = [];
  for (let wave = 0; wave < BURST_WAVES; wave++) {
    for (let i = 0; i < BURST_EVENTS / BURST_WAVES; i++) {
      replies.push(sendEvent(context, context.newEvent()));
    }
    await context.sleep(BURST_MS / BURST_WAVES);
  }
  const settled = await Promise.all(replies);
  const refused = settled.filter((reply) => !isTaken(reply));
  const [first] = refused;
  const slowestMs = Math.round(Math.max(...settled.map(({ durationMs }) => durationMs)));
  if (first === undefined) return pass(`All of ${BURST_EVENTS}, the slowest in ${slowestMs} ms.`);
  const isPolite = refused.every(
    (reply) =>
      (reply.status === 429 || reply.status === 503) && reply.headers['retry-after'] !== undefined,
  );
  const count = `${refused.length} of ${BURST_EVENTS}`;
  if (isPolite) return pass(`Put ${count} off with ${first.status} and Retry-After.`);
  return fail(
    `${count} were not taken, the first with ${describe(first)}.`,
    'Do nothing but store the event before you answer; what cannot be taken gets 429 with Retry-After.',
  );
}

/** A connection on which a request begins, and its body never comes to an end. */
function openStalled(context: CheckContext) {
  const { url, writer, newEvent, nowMs } = context;
  const isTls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (isTls ? 443 : 80);
  const socket: Socket = isTls
    ? connectTls({ host, port, servername: host, rejectUnauthorized: false })
    : connectTcp({ host, port });
  const { post, id } = draft(context, newEvent());
  const { headers, body } = writer.sign(post, { id, nowMs: nowMs() });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [
    `POST ${url.pathname}${url.search} HTTP/1.1`,
    `host: ${url.host}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...lines,
  ];
  const written = new Promise<void>((resolve) => {
    // Whoever does not even accept the connection is seen by the event that is sent beside it.
    socket.once('error', () => resolve());
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.write(body.slice(0, body.length / 2), () => resolve());
  });
  return { socket, written };
}
