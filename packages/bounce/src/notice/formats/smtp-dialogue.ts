import { addressKey, firstAddress } from '../../mail/addresses.ts';
import type { ReplyStage } from '../../reply/classify-reply.ts';
import type { Finding, NoticeFormat } from '../notice.ts';

/** A client's command behind the mark that a server gives it: `In: `, `>>> `, `--> `, `Sent <<< `. */
const COMMAND = /^[^@]{0,60}?\b(RCPT TO:|MAIL FROM:|DATA$|EHLO |HELO )\s*(.*)$/i;

const REPLY = /^[^@\d]{0,60}?(?:^|[>:\]<-]\s{0,4}|\s)([45]\d\d[ -].*)$/;

const STAGES: Readonly<Record<string, ReplyStage>> = {
  rcpt: 'rcpt',
  mail: 'mail',
  data: 'reply',
  ehlo: 'ehlo',
  helo: 'ehlo',
};

/** A dialogue with the other server: the refused command names the recipient. */
export const smtpDialogue: NoticeFormat = {
  name: 'smtp-dialogue',
  source:
    'Courier, MDaemon (Session Transcript), InterScan, hMailServer, Postfix (smtpd session transcripts), Mercury',
  read({ text, own }) {
    const findings = new Map<string, Finding>();
    let recipients: string[] = [];
    let stage: ReplyStage | undefined;
    // A long command is folded: `RCPT` on one line, `TO:<...>` on the next.
    const unfolded = text.replace(/\b(MAIL|RCPT)\s{1,40}(FROM|TO):/gi, '$1 $2:');
    for (const line of unfolded.split('\n')) {
      const command = COMMAND.exec(line.slice(0, 2_000).trim());
      const reply = REPLY.exec(line.slice(0, 2_000))?.[1];
      if (command !== null) {
        const verb = (command[1] ?? '').slice(0, 4).toLowerCase();
        if (verb === 'mail') recipients = [];
        const address = verb === 'rcpt' ? firstAddress(command[2] ?? '') : null;
        if (address !== null && !own.has(addressKey(address))) recipients.push(address);
        stage = STAGES[verb];
      } else if (reply !== undefined) {
        for (const recipient of stage === 'rcpt' ? recipients.slice(-1) : recipients) {
          const key = addressKey(recipient);
          if (!findings.has(key)) findings.set(key, { recipient, texts: [reply], stage });
        }
      }
    }
    return [...findings.values()];
  },
};
