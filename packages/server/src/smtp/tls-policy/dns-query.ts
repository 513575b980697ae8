import { connect } from 'node:net';
import { parseServerAddress } from './server-address.ts';

/** What a validating resolver says of a name. */
export interface SecureAnswer {
  /** The AD bit: it has checked the signatures of all of it (RFC 4035 3.2.3). */
  authentic: boolean;
  /** The data of the records of the type that was asked for, as it stands in the answer. */
  records: Buffer[];
}

export const DNS_TYPES = { A: 1, MX: 15, AAAA: 28, TLSA: 52 } as const;
export type DnsType = keyof typeof DNS_TYPES;

/** Rejects with an Error where there is no answer, or SERVFAIL: then nothing is known. */
export type SecureQuery = (name: string, type: DnsType) => Promise<SecureAnswer>;

const TIMEOUT_MS = 5_000;
/** RD, and AD: "tell me whether it is authentic" (RFC 6840 5.7). */
const QUERY_FLAGS = 0x0120;
const AD_BIT = 0x20;
const CLASS_IN = 1;
const NAME_ERROR = 3;

/**
 * Asks the resolvers in turn over TCP: node:dns does not show the AD bit, and over TCP no answer is cut
 * and none is forged by who cannot see the connection.
 */
export function createSecureQuery(
  servers: readonly string[],
  timeoutMs: number = TIMEOUT_MS,
): SecureQuery {
  return async (name, type) => {
    let last: unknown = new Error('there is no resolver');
    for (const server of servers) {
      try {
        return parseAnswer(await ask(server, encodeQuestion(name, type), timeoutMs), type);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  };
}

function ask(server: string, question: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(parseServerAddress(server));
    let received = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`${server} gave no answer in time`)));
    socket.on('error', fail);
    socket.on('close', () => fail(new Error(`${server} gave no answer`)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      resolve(received.subarray(2, 2 + received.readUInt16BE(0)));
      socket.destroy();
    });
    // RFC 1035 4.2.2: its length stands before a message.
    const length = Buffer.alloc(2);
    length.writeUInt16BE(question.length, 0);
    socket.write(Buffer.concat([length, question]));
  });
}

function encodeQuestion(name: string, type: DnsType): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  const isPlain = labels.every((label) => /^[\x21-\x7e]{1,63}$/.test(label));
  if (!isPlain || name.length > 253) throw new Error(`${name} is no name`);
  const header = Buffer.alloc(12);
  header.writeUInt16BE(QUERY_FLAGS, 2);
  header.writeUInt16BE(1, 4);
  const encoded = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const tail = Buffer.from([0, 0, DNS_TYPES[type], 0, CLASS_IN]);
  return Buffer.concat([header, ...encoded, tail]);
}

/** Throws an Error for what is no answer. Reads no further than the message goes. */
export function parseAnswer(message: Buffer, type: DnsType): SecureAnswer {
  try {
    return readAnswer(message, type);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Error('the resolver answered something that is no DNS message', { cause: error });
  }
}

function readAnswer(message: Buffer, type: DnsType): SecureAnswer {
  const code = message.readUInt8(3) & 0x0f;
  if (code !== 0 && code !== NAME_ERROR) throw new Error(`the resolver answered code ${code}`);
  const authentic = (message.readUInt8(3) & AD_BIT) !== 0;
  const questions = message.readUInt16BE(4);
  const answers = message.readUInt16BE(6);
  const records: Buffer[] = [];
  let at = 12;
  for (let i = 0; i < questions; i++) at = skipName(message, at) + 4;
  for (let i = 0; i < answers; i++) {
    at = skipName(message, at);
    const found = message.readUInt16BE(at);
    const end = at + 10 + message.readUInt16BE(at + 8);
    if (end > message.length) throw new RangeError('a record beyond the end');
    if (found === DNS_TYPES[type]) records.push(message.subarray(at + 10, end));
    at = end;
  }
  return { authentic, records };
}

/** A name ends with an empty label or with a pointer to the rest of it (RFC 1035 4.1.4). */
function skipName(message: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
    if (length === 0) return at;
  }
}
