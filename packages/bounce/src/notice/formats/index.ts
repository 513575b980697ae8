import type { NoticeFormat } from '../notice.ts';
import { listedAddresses, mentionedAddresses } from './listed-addresses.ts';
import { sendmailTranscript } from './sendmail-transcript.ts';
import { smtpDialogue } from './smtp-dialogue.ts';

/** Every family of notices; the first that finds a recipient is believed. */
export const NOTICE_FORMATS: readonly NoticeFormat[] = [
  listedAddresses,
  sendmailTranscript,
  smtpDialogue,
  mentionedAddresses,
];
