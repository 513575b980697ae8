import { z } from 'zod';
import { caField, hostField, passwordField } from '../setting-fields.ts';
import { everySecondsField, nameField } from './table-fields.ts';

/** Settings of databases that speak over a connection of their own. */
export const databaseFields = {
  host: hostField,
  tls: z
    .boolean()
    .default(true)
    .describe('TLS, with a certificate for this host. Off: everything is sent in clear.'),
  ca: caField,
  username: z.string().min(1).max(200),
  password: passwordField,
  /** What is longer is cut by PostgreSQL, and refused by MySQL. */
  database: z.string().min(1).max(63).describe('It has to be there.'),
  table: nameField.max(63).default('posthorn_events').describe('Made when it is not there.'),
  every_seconds: everySecondsField.default(1),
};

/** How long connecting may take, ms. */
export const CONNECT_MS = 10_000;
/** Less than what a lane gives a batch: the server ends the statement itself, and says so. */
export const STATEMENT_MS = 50_000;
/** Whoever waits longer for a lock of somebody else had better come again, ms. */
export const LOCK_MS = 20_000;
