import type {
  SMTPServerDataStream,
  SMTPServerError,
  SMTPServerOptions,
  SMTPServerSession,
} from 'smtp-server';
import { createSharedMemory, type SharedMemory } from '../shared-memory.ts';
import { createSmtpListener, type SmtpListener } from '../smtp-listener.ts';
import { collectBeginning } from './collect-beginning.ts';
import type { ReturnPathOptions } from './return-path.ts';

/** A report is about one return path; relays put a few into one transaction. */
const MAX_RECIPIENTS = 20;
/** Who tries more addresses than this that are none is guessing. */
const MAX_UNKNOWN_RECIPIENTS = 10;
/** RFC 5321 4.5.3.1.4 and room for extensions. */
const MAX_LINE_BYTES = 4_096;
/** Hours of reports over one connection come from nobody who means well. */
const CONNECTION_MS = 3_600_000;

type Handlers = Required<
  Pick<SMTPServerOptions, 'onConnect' | 'onMailFrom' | 'onRcptTo' | 'onData'>
>;

/**
 * Takes mail for addresses that `knows` knows, from anybody, and nothing else: there is no login and
 * nothing is sent on. A bare CR or LF is let through, since what comes is read and never sent again
 * (RFC 5321 2.3.8 is about the latter), and a bounce that is refused for its form is a bounce lost.
 */
export function createReturnPathServer(options: ReturnPathOptions): SmtpListener {
  const memory = createSharedMemory(options.memoryBytes);
  return createSmtpListener(
    {
      ...options,
      maxRecipients: MAX_RECIPIENTS,
      maxLineBytes: MAX_LINE_BYTES,
      strangerMs: options.connectionMs ?? CONNECTION_MS,
    },
    {
      // ENVID, RET, NOTIFY and ORCPT are tolerated.
      library: { authOptional: true, disabledCommands: ['AUTH'], hideDSN: true },
      handlers: (state) => createHandlers(options, memory, state),
    },
  );
}

function createHandlers(
  options: ReturnPathOptions,
  memory: SharedMemory,
  state: { connectionsFrom(address: string): number },
): Handlers {
  const unknown = new WeakMap<SMTPServerSession, number>();

  function refuseUnknown(session: SMTPServerSession): SMTPServerError {
    const count = (unknown.get(session) ?? 0) + 1;
    unknown.set(session, count);
    return count > MAX_UNKNOWN_RECIPIENTS
      ? refusal(421, '4.7.0 Too many unknown addresses')
      : refusal(550, '5.1.1 No such address here; this server takes nothing but delivery reports');
  }

  return {
    onConnect(session, callback) {
      const tooMany =
        state.connectionsFrom(session.remoteAddress) > options.maxConnectionsPerAddress;
      callback(tooMany ? refusal(421, '4.7.0 Too many connections from your address') : null);
    },
    onMailFrom(_address, _session, callback) {
      const ready = options.canAccept();
      callback(ready.ok ? null : refusal(451, `4.3.1 ${ready.reason}`));
    },
    onRcptTo({ address }, session, callback) {
      options.knows(address).then(
        (isKnown) => callback(isKnown ? null : refuseUnknown(session)),
        (error: unknown) => {
          options.log.error({ err: error }, 'a return path could not be looked up');
          callback(refusal(451, '4.3.0 The address cannot be checked now; try again later'));
        },
      );
    },
    onData(stream: SMTPServerDataStream, session, callback) {
      receive(stream, session, { ...options, memory }).then(
        () => callback(null, '2.0.0 Noted'),
        (error: unknown) => {
          if (error instanceof Error && 'responseCode' in error) {
            return callback(error as SMTPServerError);
          }
          options.log.error({ err: error }, 'a mail that came back could not be stored');
          callback(refusal(451, '4.3.0 The report could not be stored; try again later'));
        },
      );
    },
  };
}

async function receive(
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  options: ReturnPathOptions & { memory: SharedMemory },
): Promise<void> {
  const { mailFrom, rcptTo } = session.envelope;
  const recipients = rcptTo.map(({ address }) => address);
  const collected = await collectBeginning(stream, options);
  switch (collected.outcome) {
    case 'too_large':
      throw refusal(552, `5.3.4 The mail is larger than ${options.maxSizeBytes} bytes`);
    case 'no_memory':
      throw refusal(452, '4.3.1 Too much mail at once; try again later');
    case 'lost':
      // Nobody is there to read it.
      throw refusal(451, '4.4.2 The connection was lost');
    case 'complete':
  }
  const { raw } = collected;
  const hasNullSender = mailFrom === false || mailFrom.address === '';
  try {
    if (await options.take({ recipients, hasNullSender, raw })) return;
  } finally {
    options.memory.giveBack(raw.length);
  }
  throw refusal(550, '5.7.1 This is no delivery report; write to the address in From');
}

function refusal(responseCode: number, message: string): SMTPServerError {
  return Object.assign(new Error(message), { responseCode });
}
