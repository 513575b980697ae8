import { isIP } from 'node:net';
import { type ConnectionOptions, connect, rootCertificates, type TLSSocket } from 'node:tls';
import { messageOf } from '../../../lib/errors.ts';
import { isLoopback } from '../webhook/command-url.ts';
import { type Check, type CheckContext, type Finding, fail, pass, skip } from './check.ts';

const TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;
/** Authorities renew at a third of the lifetime; what is left of 90 days at two weeks was forgotten. */
const MIN_DAYS_LEFT = 14;

export const TLS_CHECK: Check = {
  name: 'tls',
  title: 'HTTPS with a valid certificate',
  needs: 'nothing',
  async run(context) {
    const { url } = context;
    if (url.protocol === 'https:') return checkTls(context);
    if (isLoopback(url)) {
      return skip('Plain HTTP, on this machine. Elsewhere use https.');
    }
    return fail(
      'The URL is plain HTTP: addresses and contents of your mail go over the network unencrypted.',
      'Use https, with a certificate of an authority that everybody knows.',
    );
  },
};

async function checkTls(context: CheckContext): Promise<Finding> {
  const opened = await shakeHands(context, {});
  if (!opened.ok) {
    return fail(
      `The certificate or the handshake is not right: ${opened.error}.`,
      'Use a certificate for this host name that has not expired, and send its intermediate certificates too.',
    );
  }
  const { protocol, validTo } = opened;
  const daysLeft = Math.floor((Date.parse(validTo) - context.nowMs()) / DAY_MS);
  if (daysLeft < MIN_DAYS_LEFT) {
    return fail(`The certificate ends in ${daysLeft} days.`, 'Renew it now, and automatically.');
  }
  // Without level 0 OpenSSL 3 would not offer what is to be refused.
  const old: ConnectionOptions = {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    rejectUnauthorized: false,
  };
  const outdated = await shakeHands(context, old);
  if (outdated.ok) {
    return fail(
      `The server still speaks ${outdated.protocol}.`,
      'Allow TLS 1.2 and newer only (RFC 8996).',
    );
  }
  return pass(`${protocol}, ${daysLeft} days left; nothing older than TLS 1.2.`);
}

type Handshake = { ok: true; protocol: string; validTo: string } | { ok: false; error: string };

function shakeHands({ url, ca }: CheckContext, options: ConnectionOptions): Promise<Handshake> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({
      host,
      port: Number(url.port) || 443,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === null ? {} : { ca: [...rootCertificates, ca] }),
      ...options,
    });
    const end = (handshake: Handshake): void => {
      socket.destroy();
      resolve(handshake);
    };
    socket.setTimeout(TIMEOUT_MS, () => end({ ok: false, error: 'no answer within 10 s' }));
    socket.once('error', (error) => end({ ok: false, error: messageOf(error) }));
    socket.once('secureConnect', () => {
      const validTo = socket.getPeerCertificate().valid_to ?? '';
      end({ ok: true, protocol: socket.getProtocol() ?? 'unknown', validTo });
    });
  });
}
