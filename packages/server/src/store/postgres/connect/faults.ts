import { DatabaseError } from 'pg';
import { type StoreFault, StoreUnavailable } from '../../engine.ts';

/** SQLSTATE codes and classes (PostgreSQL's appendix A) that are not the fault of a statement. */
const FAULTS: readonly [RegExp, StoreFault][] = [
  [/^(08|57P0[1235])/, 'unreachable'],
  [/^(28|3D000|3F000|42501)/, 'refused'],
  [/^53300$/, 'overloaded'],
  [/^53100$/, 'disk_full'],
  [/^53/, 'overloaded'],
  [/^25006$/, 'read_only'],
  [/^(55P03|57014)$/, 'locked'],
  [/^58/, 'io_error'],
  [/^XX00[12]$/, 'corrupt'],
];

/** What the same transaction may well get through the next time: deadlock, serialization. */
const PASSING = /^40(001|P01)$/;
/**
 * A key that is taken or missing: unique, foreign key, exclusion. What breaks another constraint (not null,
 * check) would break it alone too, so it is nobody's conflict.
 */
const KEY_CONFLICT = /^23(001|503|505|P01)$/;

/** TLS errors of Node's client: certificate, name, protocol. */
const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/;
const TLS_TEXT = /SSL connection|certificate|pg_hba/;
const TOO_MANY_TEXT = /no more connections allowed|sorry, too many clients|pool_size|too many conn/;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The store's word for what went wrong; null when the fault is in a statement, not in the database. */
export function faultOf(error: unknown): StoreFault | null {
  if (error instanceof StoreUnavailable) return error.code;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DatabaseError && /^[0-9A-Z]{5}$/.test(error.code ?? '')) {
    // PgBouncer reports everything of its own as a protocol violation.
    if (error.code === '08P01') return TOO_MANY_TEXT.test(message) ? 'overloaded' : 'refused';
    const found = FAULTS.find(([pattern]) => pattern.test(error.code ?? ''));
    return found === undefined ? null : found[1];
  }
  if (TLS_CODE.test(codeOf(error)) || TLS_TEXT.test(message)) return 'refused';
  if (TOO_MANY_TEXT.test(message) || /exceeded when trying to connect/.test(message)) {
    return 'overloaded';
  }
  if (isConnectionLost(error)) return 'unreachable';
  return null;
}

/** The connection broke, or none came about: whatever was sent on it may or may not have arrived. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof DatabaseError) return /^(08|57P0)/.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  return (
    /^(E[A-Z]{4,}|ENOTFOUND)$/.test(codeOf(error)) ||
    /Connection terminated|Client has encountered|read timeout|not queryable|was closed|timeout expired/.test(
      error.message,
    )
  );
}

/**
 * It was open and has ended since: the server may have been restarted, or somebody ended it. The others
 * of the pool may be as old, and another one may work at once.
 */
export function isStale(error: unknown): boolean {
  // Decided already: what it was about may have been a commit.
  if (error instanceof StoreUnavailable) return false;
  if (error instanceof DatabaseError) return /^57P0[12]$/.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  return (
    /^(ECONNRESET|EPIPE)$/.test(codeOf(error)) ||
    /Connection terminated unexpectedly|not queryable|was closed/.test(error.message)
  );
}

export function isPassing(error: unknown): boolean {
  return error instanceof LostRace || PASSING.test(codeOf(error));
}

export function isKeyConflict(error: unknown): boolean {
  return KEY_CONFLICT.test(codeOf(error));
}

/** Another node changed what this transaction had read. It is made again. */
export class LostRace extends Error {
  constructor() {
    super('another node was faster');
  }
}

const EXPLANATIONS: Record<StoreFault, string> = {
  unreachable:
    'The database cannot be reached. Check that it runs and that database_url leads to it; Posthorn goes on by itself when it is back.',
  refused:
    'The database refuses Posthorn. Check user, password, database, TLS settings and rights (docs/operations.md, PostgreSQL).',
  overloaded:
    'The database has no room for another connection, or no memory. Raise max_connections (or the pool of the pooler), or lower database_pool; Posthorn goes on by itself.',
  disk_full:
    'The disk of the database is full. Make room there; Posthorn goes on by itself when there is some.',
  read_only:
    'The database takes no writes: it is a standby, or default_transaction_read_only is on. Let database_url lead to the primary; a standby can be given as database_read_url.',
  locked:
    'The database was too slow, or somebody holds a lock on a table of Posthorn. Look into pg_stat_activity for long transactions; Posthorn goes on by itself.',
  io_error:
    "The database met an error of its disk. See the database's own log; Posthorn goes on by itself when it works again.",
  corrupt:
    "The database's files are damaged. See its own log, and restore it from a backup; then restart Posthorn.",
  closed: 'The store is closed.',
};

/** Why it refuses, where its SQLSTATE says more. */
const REFUSALS: readonly [RegExp, string][] = [
  [
    /^28P01$/,
    'The database does not know the user of database_url, or the password is wrong. Write other characters than letters and digits in it as %XX.',
  ],
  [
    /^28/,
    'The database does not let this user in from this machine. See its pg_hba.conf, and whether it wants TLS (sslmode).',
  ],
  [
    /^3D000$/,
    "There is no database of the name in database_url. Create it: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0.",
  ],
  [
    /^42501$/,
    'The user of database_url lacks a right. The schema posthorn has to be its own, or it needs CREATE on the database to make it: GRANT CREATE ON DATABASE ... TO ... (docs/operations.md, PostgreSQL).',
  ],
];

/** As the store's error, with what to do about it. Never has a password: no message of theirs has. */
export function toUnavailable(fault: StoreFault, cause: unknown): StoreUnavailable {
  if (cause instanceof StoreUnavailable) return cause;
  const refusal = REFUSALS.find(([code]) => fault === 'refused' && code.test(codeOf(cause)));
  const explanation = refusal?.[1] ?? EXPLANATIONS[fault];
  return new StoreUnavailable(fault, `${explanation} (PostgreSQL: ${describe(cause)})`, { cause });
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // A name with several addresses fails with one error for each, and without a message.
  if (cause instanceof AggregateError && cause.message === '') {
    return cause.errors.map(describe).join('; ');
  }
  const code = codeOf(cause);
  return code === '' || cause.message.includes(code) ? cause.message : `${cause.message}, ${code}`;
}
