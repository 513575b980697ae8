import type {
  SMTPServerDataStream,
  SMTPServerError,
  SMTPServerOptions,
  SMTPServerSession,
} from 'smtp-server';
import { createSharedMemory, type SharedMemory } from '../shared-memory.ts';
import { createSmtpListener, type SmtpListener } from '../smtp-listener.ts';
import { collectBeginning } from './collect-beginning.ts';
import type { IncomingDoor, IncomingOptions, IncomingRefusal } from './incoming.ts';

/** A report is about one return path, and who writes to many here is guessing. */
const MAX_RECIPIENTS = 20;
/** Who tries more addresses than this that are none is guessing. */
const MAX_UNKNOWN_RECIPIENTS = 10;
/** RFC 5321 4.5.3.1.4 and room for extensions. */
const MAX_LINE_BYTES = 4_096;
/** Hours of mail over one connection come from nobody who means well. */
const CONNECTION_MS = 3_600_000;

type Handlers = Required<
  Pick<SMTPServerOptions, 'onConnect' | 'onMailFrom' | 'onRcptTo' | 'onData'>
>;

/**
 * Takes mail for addresses that one of the doors knows, from anybody, and nothing else: there is no login and
 * nothing is sent on. A bare CR or LF is let through, since what comes is read and never sent again
 * (RFC 5321 2.3.8 is about the latter), and a bounce that is refused for its form is a bounce lost.
 */
export function createIncomingServer(options: IncomingOptions): SmtpListener {
  const memory = createSharedMemory(options.memoryBytes);
  const maxSizeBytes = Math.max(...options.doors.map((door) => door.maxSizeBytes));
  return createSmtpListener(
    {
      ...options,
      maxSizeBytes,
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

/** What is remembered of a connection. */
interface Visit {
  unknown: number;
  /** By the recipient's address, as it was given. */
  doors: Map<string, IncomingDoor>;
}

function createHandlers(
  options: IncomingOptions,
  memory: SharedMemory,
  state: { connectionsFrom(address: string): number },
): Handlers {
  const visits = new WeakMap<SMTPServerSession, Visit>();

  function visitOf(session: SMTPServerSession): Visit {
    const visit = visits.get(session) ?? { unknown: 0, doors: new Map() };
    visits.set(session, visit);
    return visit;
  }

  async function admit(address: string, visit: Visit): Promise<SMTPServerError | null> {
    for (const door of options.doors) {
      const known = await door.knows(address);
      if (known === false) continue;
      if (known !== true) return toError(known);
      visit.doors.set(address, door);
      return null;
    }
    visit.unknown += 1;
    return visit.unknown > MAX_UNKNOWN_RECIPIENTS
      ? refusal(421, '4.7.0 Too many unknown addresses')
      : refusal(550, '5.1.1 No such address here');
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
      admit(address, visitOf(session)).then(callback, (error: unknown) => {
        options.log.error({ err: error }, 'an address of incoming mail could not be looked up');
        callback(refusal(451, '4.3.0 The address cannot be checked now; try again later'));
      });
    },
    onData(stream: SMTPServerDataStream, session, callback) {
      receive(stream, session, { doors: visitOf(session).doors, memory }).then(
        () => callback(null, '2.0.0 Noted'),
        (error: unknown) => {
          if (error instanceof Error && 'responseCode' in error) {
            return callback(error as SMTPServerError);
          }
          options.log.error({ err: error }, 'incoming mail could not be stored');
          callback(refusal(451, '4.3.0 The mail could not be stored; try again later'));
        },
      );
    },
  };
}

async function receive(
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  given: { doors: ReadonlyMap<string, IncomingDoor>; memory: SharedMemory },
): Promise<void> {
  const { memory } = given;
  const { mailFrom, rcptTo } = session.envelope;
  const addresses = rcptTo.map(({ address }) => address);
  const byDoor = Map.groupBy(addresses, (address) => given.doors.get(address));
  const doors = [...byDoor.keys()].filter((door) => door !== undefined);
  const maxSizeBytes = Math.min(...doors.map((door) => door.maxSizeBytes));
  const keepBytes = Math.max(...doors.map((door) => door.keepBytes));
  const collected = await collectBeginning(stream, { maxSizeBytes, keepBytes, memory });
  switch (collected.outcome) {
    case 'too_large':
      throw refusal(552, `5.3.4 The mail is larger than ${maxSizeBytes} bytes`);
    case 'no_memory':
      throw refusal(452, '4.3.1 Too much mail at once; try again later');
    case 'lost':
      // Nobody is there to read it.
      throw refusal(451, '4.4.2 The connection was lost');
    case 'complete':
  }
  const { raw } = collected;
  const mail = {
    from: mailFrom === false ? '' : mailFrom.address,
    raw,
    remoteAddress: session.remoteAddress,
    helo: session.hostNameAppearsAs || '',
    isSecure: session.secure,
  };
  const refusals: IncomingRefusal[] = [];
  try {
    for (const door of doors) {
      const refused = await door.take({ ...mail, recipients: byDoor.get(door) ?? [] });
      if (refused !== null) refusals.push(refused);
    }
  } finally {
    memory.giveBack(raw.length);
  }
  // There is one reply for all recipients: where one door has taken it, it was taken.
  const [first] = refusals;
  if (first !== undefined && refusals.length === doors.length) throw toError(first);
}

function toError({ code, text }: IncomingRefusal): SMTPServerError {
  return refusal(code, text);
}

function refusal(responseCode: number, message: string): SMTPServerError {
  return Object.assign(new Error(message), { responseCode });
}
