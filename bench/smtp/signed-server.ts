import { type DnsZone, startDnsServer } from 'posthorn/src/cli/whole/fixtures/dns-server.ts';
import {
  type ReadyProcess,
  startPosthornProcess,
} from 'posthorn/src/cli/whole/fixtures/posthorn-process.ts';

export const API_KEY = 'phk_bench';
/** One destination with as many transactions as the other side has connections. */
export const TRANSACTIONS = 20;

/** `posthorn serve` on a folder, with all mail going to one server. */
export interface SignedServer {
  start(roles: string): Promise<ReadyProcess>;
  close(): Promise<void>;
}

/**
 * The domain of the bench's sender is verified by a DNS server of our own, so that messages are signed
 * with both of its keys. Everything else is as it comes, fsync included.
 */
export async function prepareSignedServer(at: {
  folder: string;
  sinkPort: number;
}): Promise<SignedServer> {
  const zones: Record<string, DnsZone> = {};
  const dns = await startDnsServer(zones);
  const start = (roles: string): Promise<ReadyProcess> =>
    startPosthornProcess({
      data: at.folder,
      roles,
      'api-key': API_KEY,
      'dns-servers': dns.address,
      smarthost: `smtp://127.0.0.1:${at.sinkPort}`,
      'mail-tls': 'off',
      'mail-destination-concurrency': String(TRANSACTIONS),
      'mail-transcripts': 'failures',
    });
  const first = await start('api,smtp');
  const domain = await ask(first, 'domains', { name: 'bench.example' });
  for (const { purpose, name, expected } of domain.records) {
    if (purpose === 'dkim') zones[name] = { txt: [expected] };
  }
  const checked = await ask(first, `domains/${domain.id}/check`, {});
  if (checked.status !== 'verified') throw new Error(`The domain is ${checked.status}.`);
  first.child.kill('SIGTERM');
  await first.ended;
  return { start, close: () => dns.close() };
}

interface Domain {
  id: string;
  status: string;
  records: { purpose: string; name: string; expected: string }[];
}

async function ask(server: ReadyProcess, path: string, body: object): Promise<Domain> {
  const answer = await fetch(`${server.httpUrl}/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Domain;
}
