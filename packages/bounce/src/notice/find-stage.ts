import type { ReplyStage } from '../reply/classify-reply.ts';

/** The ways in which servers name the command that was refused; the command is the first group. */
const PHRASES: readonly RegExp[] = [
  // Postfix
  /\(in\s+reply\s+to\s+(?:the\s+)?((?:end\s+of\s+)?[A-Z]{3,8})/i,
  // Exim
  /error from remote (?:mail server|mailer) after (?:pipelined )?((?:end of data|initial connection|[A-Z]{3,8}))/i,
  // Sendmail and others quote the conversation: the command before the reply.
  />>> (\.|[A-Z]{3,8})[^\n]{0,300}\n<<< [45]\d\d/i,
  // hMailServer, InterScan
  /\bsent:? ?(?:<<< ?)?(RCPT|MAIL|DATA|EHLO|HELO)\b[^\n]{0,400}\n[^\n]{0,60}\b(?:replied|received|response)/i,
  // DragonFly, IONOS, Yahoo, m-FILTER
  /did not like our ((?:final )?[A-Z]{3,8})/i,
  /remote server (?:for|after|in reply to) ([A-Z]{3,8})(?: TO| FROM)? command/i,
  /\[(RCPT|MAIL|DATA|EHLO|HELO)(?:_[A-Z]+)?\]/,
  /-+ ?SMTP command\n+(\.|[A-Z]{3,8})\b/i,
  // qmail: qmail-remote.c
  /but (connection died|greeting failed|my name was rejected|sender was rejected)/i,
  /(does not like recipient|failed (?:after I sent the message|on DATA command))/i,
  /(refused to talk to me)/i,
];

const STAGES: Readonly<Record<string, ReplyStage>> = {
  rcpt: 'rcpt',
  mail: 'mail',
  data: 'data',
  text: 'reply',
  'end of data': 'reply',
  'final data': 'reply',
  '.': 'reply',
  ehlo: 'ehlo',
  helo: 'ehlo',
  auth: 'auth',
  starttls: 'tls',
  'initial connection': 'greeting',
  'greeting failed': 'greeting',
  'refused to talk to me': 'greeting',
  'my name was rejected': 'ehlo',
  'sender was rejected': 'mail',
  'does not like recipient': 'rcpt',
  'failed after i sent the message': 'reply',
  'failed on data command': 'data',
};

/** Which command a reply refused, as far as `text` says so in a form that servers use. */
export function findStage(text: string): ReplyStage | undefined {
  for (const phrase of PHRASES) {
    const word = phrase.exec(text)?.[1]?.toLowerCase().replace(/\s+/g, ' ');
    if (word !== undefined && STAGES[word] !== undefined) return STAGES[word];
  }
  return undefined;
}
