import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { probeStore } from '../../store/probe-store.ts';
import type { Probes } from './doctor-check.ts';
import { readOffset, TIME_REQUEST } from './time-packet.ts';

const TIMEOUT_MS = 8_000;
const TIME_SERVER = { host: 'pool.ntp.org', port: 123 };

/** The real machine, and the real world around it. */
export function createSystemProbes(options: {
  dnsServers: readonly string[];
  timeServer?: { host: string; port: number };
}): Probes {
  const dns = new Resolver({ timeout: TIMEOUT_MS / 2, tries: 2 });
  if (options.dnsServers.length > 0) dns.setServers([...options.dnsServers]);
  return {
    nowMs: () => systemClock.now(),
    bind: tryToBind,
    isPosthorn,
    resolve4: (name) => dns.resolve4(name),
    resolve6: (name) => dns.resolve6(name),
    resolveMx: (name) => dns.resolveMx(name),
    reverse: (address) => dns.reverse(address),
    greet: readGreeting,
    clockOffsetMs: () => askTime(options.timeServer ?? TIME_SERVER),
    disk(folder) {
      let existing = resolve(folder);
      while (!existsSync(existing)) existing = dirname(existing);
      const { bavail, blocks, bsize } = statfsSync(existing);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    },
    readFile: (file) => readFileSync(file, 'utf8'),
    modeOf: (file) => (existsSync(file) ? statSync(file).mode & 0o777 : null),
    store: probeStore,
  };
}

const BIND_FAULTS: Readonly<Record<string, 'taken' | 'forbidden' | 'no_address'>> = {
  EADDRINUSE: 'taken',
  EACCES: 'forbidden',
  EADDRNOTAVAIL: 'no_address',
  ENOTFOUND: 'no_address',
};

const tryToBind: Probes['bind'] = (host, port) =>
  new Promise((found, fail) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const fault = BIND_FAULTS[error.code ?? ''];
      if (fault === undefined) fail(error);
      else found(fault);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => found('free')));
  });

async function isPosthorn(host: string, port: number): Promise<boolean> {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    // Without a key it says so, in words of its own.
    const answer = await fetch(`http://${reachable}:${port}/v1/messages`, { signal });
    return answer.status === 401 && (await answer.text()).includes('"missing_key"');
  } catch {
    return false;
  }
}

const readGreeting: Probes['greet'] = ({ host, port, localAddress }) =>
  new Promise((found, fail) => {
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ host, port, ...from });
    let isConnected = false;
    socket.setTimeout(TIMEOUT_MS, () => {
      socket.destroy();
      // One that waits for TLS says nothing by itself.
      if (isConnected) found('');
      else fail(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`));
    });
    socket.once('connect', () => {
      isConnected = true;
    });
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('it hung up at once')));
    socket.once('data', (chunk: Buffer) => {
      found(chunk.toString('latin1').split(/\r?\n/)[0] ?? '');
      socket.end('QUIT\r\n');
    });
  });

function askTime(server: { host: string; port: number }): Promise<number> {
  return new Promise((found, fail) => {
    const socket = createSocket('udp4');
    const stop = systemClock.after(TIMEOUT_MS, () => {
      socket.close();
      fail(new Error(`${server.host} gives no answer`));
    });
    const end = (): void => {
      stop();
      socket.close();
    };
    socket.once('error', (error) => {
      end();
      fail(error);
    });
    const sentMs = systemClock.now();
    socket.once('message', (packet) => {
      end();
      const offsetMs = readOffset(packet, { sentMs, gotMs: systemClock.now() });
      if (offsetMs === null) fail(new Error(`${server.host} does not know the time`));
      else found(offsetMs);
    });
    socket.send(TIME_REQUEST, server.port, server.host);
  });
}
