import type {
  SMTPServerAddress,
  SMTPServerDataStream,
  SMTPServerError,
  SMTPServerOptions,
  SMTPServerSession,
} from 'smtp-server';
import { checkEnvelopeAddress } from './check-envelope-address.ts';
import { type CollectedMessage, collectMessage } from './collect-message.ts';
import { faultOfDsnParameters, readDsnRequest } from './dsn-parameters.ts';
import { createSharedMemory, type SharedMemory } from './shared-memory.ts';
import type {
  LoginRefusal,
  SubmissionLogin,
  SubmissionOptions,
  SubmissionReceipt,
  SubmissionRefusal,
} from './submission.ts';

/** Guesses at a password that one connection gets. */
const MAX_FAILED_LOGINS = 3;
/** A few dozen messages of a usual size limit, coming in at the same moment. */
const MEMORY_BYTES = 512 * 1_048_576;

/** Those of the extensions that are offered, and AUTH, which says who wrote it (RFC 4954 5): nobody asks us. */
const MAIL_PARAMETERS = new Set(['SIZE', 'BODY', 'SMTPUTF8', 'RET', 'ENVID', 'AUTH']);
const RCPT_PARAMETERS = new Set(['NOTIFY', 'ORCPT']);

interface Login extends SubmissionLogin {
  username: string;
}

type Handlers = Required<
  Pick<SMTPServerOptions, 'onConnect' | 'onAuth' | 'onMailFrom' | 'onRcptTo' | 'onData'>
>;

/** What smtp-server asks us at each step of a session, answered from `options`. */
export function createSubmissionHandlers(
  options: SubmissionOptions,
  state: { connectionsFrom(address: string): number },
): Handlers {
  const failedLogins = new WeakMap<SMTPServerSession, number>();
  const { memoryBytes = MEMORY_BYTES } = options;
  // A message of the largest size has room wherever nothing else comes in.
  const memory = createSharedMemory(Math.max(memoryBytes, options.maxSizeBytes));

  return {
    onConnect(session, callback) {
      const tooMany =
        state.connectionsFrom(session.remoteAddress) > options.maxConnectionsPerAddress;
      callback(tooMany ? refusal(421, '4.7.0 Too many connections from your address') : null);
    },

    onAuth(auth, session, callback) {
      const login = { username: auth.username ?? '', password: auth.password ?? '' };
      options.authenticate({ ...login, remoteAddress: session.remoteAddress }).then(
        (found) => {
          if (!('refusal' in found)) {
            const user: Login = { ...found, username: login.username };
            return callback(null, { user });
          }
          const failures = (failedLogins.get(session) ?? 0) + 1;
          failedLogins.set(session, failures);
          callback(failures < MAX_FAILED_LOGINS ? loginRefusal(found) : TOO_MANY_FAILED);
        },
        (error: unknown) => {
          options.log.error({ err: error }, 'authentication could not be checked');
          callback(refusal(454, '4.7.0 Authentication is not possible now; try again later'));
        },
      );
    },

    onMailFrom(address, session, callback) {
      const ready = options.canAccept();
      if (!ready.ok) return callback(refusal(451, `4.3.1 ${ready.reason}`));
      (session.user as Login).explainEnd().then(
        (reason) => {
          // RFC 4954 section 6: what any command but AUTH hears where a login is needed.
          if (reason !== null) return callback(refusal(530, `5.7.0 ${reason}`));
          // smtp-server leaves it set by a MAIL that was refused.
          session.envelope.smtpUtf8 = address.args !== false && 'SMTPUTF8' in address.args;
          callback(refusedParameters(address, MAIL_PARAMETERS) ?? checkedSender(address, session));
        },
        (error: unknown) => {
          options.log.error({ err: error }, 'a login could not be checked again');
          callback(refusal(451, '4.3.0 The login cannot be checked now; try again later'));
        },
      );
    },

    onRcptTo(address, session, callback) {
      callback(
        refusedParameters(address, RCPT_PARAMETERS) ??
          checkedPostmaster(address, options.postmaster ?? null) ??
          checked(address, session),
      );
    },

    onData(stream: SMTPServerDataStream, session, callback) {
      receive(stream, session, { ...options, memory }).then(
        (reply) => callback(null, reply),
        (error: unknown) => callback(asRefusal(error, options)),
      );
    },
  };
}

/** RFC 5321 4.1.1.11: what is not offered is refused, since whoever asks for it relies on it. */
function refusedParameters(
  address: SMTPServerAddress,
  offered: ReadonlySet<string>,
): SMTPServerError | null {
  const unknown = Object.keys(address.args || {}).find((name) => !offered.has(name));
  if (unknown !== undefined) return refusal(555, `5.5.4 ${unknown} is not offered`);
  const fault = faultOfDsnParameters(address);
  return fault === null ? null : refusal(501, `5.5.4 ${fault}`);
}

/** The null sender (RFC 5321 4.5.5) is for notifications, which applications send too. */
function checkedSender(
  address: SMTPServerAddress,
  session: SMTPServerSession,
): SMTPServerError | null {
  return address.address === '' ? null : checked(address, session);
}

/** `<postmaster>` without a domain is ours to take (RFC 5321 4.5.1); it becomes who reads it. */
function checkedPostmaster(
  address: SMTPServerAddress,
  postmaster: string | null,
): SMTPServerError | null {
  if (address.address.toLowerCase() !== 'postmaster') return null;
  if (postmaster === null) return refusal(550, NO_POSTMASTER);
  address.address = postmaster;
  return null;
}

const NO_POSTMASTER =
  '5.1.1 Nobody reads postmaster here: the setting postmaster_address of this server is empty';

/** Replaces the address with its normal form: smtp-server has turned ASCII domains into Unicode. */
function checked(address: SMTPServerAddress, session: SMTPServerSession): SMTPServerError | null {
  const result = checkEnvelopeAddress(address.address, session.envelope.smtpUtf8 === true);
  if (!result.ok) return refusal(result.smtpCode, `${result.enhancedCode} ${result.message}`);
  address.address = result.address;
  return null;
}

async function receive(
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  options: SubmissionOptions & { memory: SharedMemory },
): Promise<string> {
  const { mailFrom, rcptTo, smtpUtf8 } = session.envelope;
  const login = session.user as Login;
  const raw = messageOrRefusal(await collectMessage(stream, options), options);
  try {
    const receipt = await options.accept({
      projectId: login.projectId,
      keyMode: login.keyMode,
      envelopeFrom: mailFrom === false ? '' : mailFrom.address,
      recipients: rcptTo.map((recipient) => recipient.address),
      raw,
      remoteAddress: session.remoteAddress,
      username: login.username,
      smtputf8: smtpUtf8 === true,
      dsn: readDsnRequest(session.envelope),
    });
    return queuedReply(receipt);
  } finally {
    options.memory.giveBack(raw.length);
  }
}

function messageOrRefusal(collected: CollectedMessage, options: SubmissionOptions): Buffer {
  switch (collected.outcome) {
    case 'complete':
      return collected.raw;
    case 'too_large':
      throw refusal(552, `5.3.4 The message is larger than ${options.maxSizeBytes} bytes`);
    case 'no_memory':
      throw refusal(452, '4.3.1 Too much mail at once; try again later');
    case 'bare_newline': {
      const { byte, offset } = collected.found;
      throw refusal(
        550,
        `5.6.11 The message has a bare ${byte} at byte ${offset}; end every line with CR LF (RFC 5321 section 2.3.8) and send it again`,
      );
    }
    case 'lost':
      // Nobody is there to read it.
      throw refusal(451, '4.4.2 The connection was lost');
  }
}

function queuedReply(receipt: SubmissionReceipt): string {
  const refused = receipt.refused ?? [];
  const note = refused.length === 0 ? '' : `, without ${refused.length} of its recipients`;
  return `2.0.0 Queued as ${receipt.messageId}${note}`;
}

function asRefusal(error: unknown, options: SubmissionOptions): SMTPServerError {
  if (!(error instanceof Error)) return notStored(error, options);
  if ('responseCode' in error) return error as SMTPServerError;
  if (!('smtpCode' in error) || typeof error.smtpCode !== 'number')
    return notStored(error, options);
  const { smtpCode, enhancedCode, message } = error as SubmissionRefusal;
  // smtp-server would call every 550 "5.1.1 bad mailbox".
  const code =
    enhancedCode ?? (/^[45]\.\d/.test(message) ? null : smtpCode < 500 ? '4.3.0' : '5.7.1');
  return refusal(smtpCode, code === null ? message : `${code} ${message}`);
}

function notStored(error: unknown, options: SubmissionOptions): SMTPServerError {
  options.log.error({ err: error }, 'a submitted message could not be stored');
  return refusal(451, '4.3.0 The message could not be stored; try again later');
}

const TOO_MANY_FAILED = refusal(421, '4.7.0 Too many failed logins');

/** RFC 4954 section 6 */
function loginRefusal({ refusal: why, isForNow }: LoginRefusal): SMTPServerError {
  return isForNow === true
    ? refusal(454, `4.7.0 ${why}`)
    : refusal(535, `5.7.8 Authentication failed: ${why}`);
}

function refusal(responseCode: number, message: string): SMTPServerError {
  return Object.assign(new Error(message), { responseCode });
}
