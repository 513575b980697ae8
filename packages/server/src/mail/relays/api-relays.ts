import type { ApiRelay } from './api-relay.ts';
import { mailgunRelay } from './mailgun.ts';
import { postmarkRelay } from './postmark.ts';
import { sendgridRelay } from './sendgrid.ts';
import { sesRelay } from './ses.ts';

/** The one table of providers that mail can go through by their API: a new one is a file and a line here. */
export const API_RELAYS: readonly ApiRelay[] = [
  mailgunRelay,
  postmarkRelay,
  sendgridRelay,
  sesRelay,
];
