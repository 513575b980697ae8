import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { findSandboxAddress, type SandboxAddress } from './sandbox-addresses.ts';

export interface SandboxMailServer {
  host: string;
  port: number;
  stop(): Promise<void>;
}

class Refusal extends Error {
  readonly responseCode: number;
  constructor(code: number, text: string) {
    super(text);
    this.responseCode = code;
  }
}

/** RFC 5321 4.5.3.1.10: the client sends the other recipients in another transaction. */
const ONE_AT_A_TIME = new Refusal(452, '4.5.3 This recipient needs a transaction of its own');

const MAX_SIZE_BYTES = 50 * 1_024 * 1_024;

/**
 * A real SMTP server on loopback whose answers are decided by the local part of each recipient
 * (sandbox-addresses.ts). It keeps nothing.
 *
 * SMTP names the message only after the recipients, so attempts are counted for sender and recipient
 * together, and the count begins anew once a message was taken. What is answered after the message
 * is one answer for all recipients: an address that is refused there gets a transaction of its own.
 */
export async function startSandboxMailServer(options: {
  /** Multiplies the waits of the table; 0 in tests. */
  patience: number;
}): Promise<SandboxMailServer> {
  const refusalsSoFar = new Map<string, number>();
  const sockets = new Map<number, Socket>();

  /** Counts this attempt; true while the table refuses it. */
  function isRefused(rule: SandboxAddress, from: string, to: string): boolean {
    if (rule.refusals === null) return true;
    const key = `${from} ${to}`;
    const before = refusalsSoFar.get(key) ?? 0;
    if (before < rule.refusals) {
      refusalsSoFar.set(key, before + 1);
      return true;
    }
    refusalsSoFar.delete(key);
    return false;
  }

  async function judgeRecipient(address: string, session: SMTPServerSession): Promise<void> {
    const rule = findSandboxAddress(address);
    const others = session.envelope.rcptTo.map((one) => findSandboxAddress(one.address));
    const needsItsOwn = [rule, ...others].some((one) => one.stage !== 'rcpt');
    if (others.length > 0 && needsItsOwn) throw ONE_AT_A_TIME;
    if (rule.delayMs > 0) await delay(rule.delayMs * options.patience);
    if (rule.stage === 'rcpt' && isRefused(rule, senderOf(session), address)) throw refusalOf(rule);
  }

  /** The only recipient decides, where there is one that is judged after the message. */
  function judgeMessage(session: SMTPServerSession): 'taken' | 'hang-up' {
    const recipients = session.envelope.rcptTo;
    for (const { address } of recipients) {
      const rule = findSandboxAddress(address);
      if (rule.stage === 'rcpt' || !isRefused(rule, senderOf(session), address)) continue;
      if (rule.stage === 'hang-up') return 'hang-up';
      throw refusalOf(rule);
    }
    return 'taken';
  }

  const server = new SMTPServer({
    name: 'sandbox.test',
    banner: 'Posthorn sandbox',
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    // The table's texts carry their own codes.
    hideENHANCEDSTATUSCODES: true,
    size: MAX_SIZE_BYTES,
    onRcptTo({ address }, session, callback) {
      judgeRecipient(address, session).then(() => callback(), callback);
    },
    onData(stream, session, callback) {
      stream.on('error', () => {});
      stream.on('end', () => {
        try {
          if (judgeMessage(session) === 'hang-up') sockets.get(session.remotePort)?.destroy();
          else callback(null, `2.0.0 Taken by the sandbox`);
        } catch (error) {
          callback(error as Refusal);
        }
      });
      stream.resume();
    },
  });
  server.on('error', () => {});
  server.server.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.on('close', () => sockets.delete(port));
  });
  const host = '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.server.address() as AddressInfo;

  return {
    host,
    port,
    stop() {
      for (const socket of sockets.values()) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function senderOf(session: SMTPServerSession): string {
  const { mailFrom } = session.envelope;
  return mailFrom === false ? '' : mailFrom.address;
}

function refusalOf({ refusal, localPart }: SandboxAddress): Refusal {
  if (refusal === null) throw new Error(`${localPart} refuses nothing`);
  return new Refusal(refusal.code, refusal.text);
}
