import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

/** What pg needs to know to connect, out of a URL as libpq takes it. */
export interface ConnectionSettings {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  database: string;
  ssl: false | ConnectionOptions;
  applicationName: string;
}

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'];
/** Parameters of libpq that change nothing for us, or that we do ourselves. */
const WITHOUT_EFFECT = ['connect_timeout', 'keepalives', 'pgbouncer', 'channel_binding'];

/**
 * Reads `postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/path`. Throws an
 * Error that never shows the URL, since it holds the password.
 */
export function parseDatabaseUrl(text: string): ConnectionSettings {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Error(
      'it has to be a URL such as postgres://user:password@host:5432/database, with other characters than letters and digits in user and password written as %XX',
    );
  }
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === '') throw new Error('it names no database: postgres://user@host/DATABASE');
  const { searchParams } = url;
  for (const name of searchParams.keys()) {
    if (![...KNOWN, ...WITHOUT_EFFECT].includes(name)) {
      throw new Error(`it has the parameter "${name}", which is none of ${KNOWN.join(', ')}`);
    }
  }
  const decoded = (part: string): string | undefined =>
    part === '' ? undefined : decodeURIComponent(part);
  return {
    // A folder as host is that of a Unix socket.
    host: searchParams.get('host') ?? (url.hostname.replace(/^\[|\]$/g, '') || 'localhost'),
    port: Number(url.port || 5432),
    user: decoded(url.username),
    password: decoded(url.password),
    database,
    ssl: readSsl(searchParams),
    applicationName: searchParams.get('application_name') ?? 'posthorn',
  };
}

const KNOWN = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'host', 'application_name'];

/** As in libpq, but for its `prefer` and `allow`, which a man in the middle turns off. */
function readSsl(parameters: URLSearchParams): false | ConnectionOptions {
  const mode = parameters.get('sslmode') ?? 'disable';
  if (!SSL_MODES.includes(mode)) {
    throw new Error(`sslmode has to be one of ${SSL_MODES.join(', ')}`);
  }
  if (mode === 'disable') return false;
  const ca = readPem(parameters, 'sslrootcert');
  const cert = readPem(parameters, 'sslcert');
  const key = readPem(parameters, 'sslkey');
  const material = {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  };
  if (mode === 'require') return { ...material, rejectUnauthorized: false };
  if (mode === 'verify-full') return material;
  return { ...material, checkServerIdentity: () => undefined };
}

function readPem(parameters: URLSearchParams, name: string): string | null {
  const file = parameters.get(name);
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} cannot be read: ${reason}`);
  }
}
