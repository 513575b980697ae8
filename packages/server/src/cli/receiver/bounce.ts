import { createReadStream, fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { parseReportStream, type Report } from '@posthorn/bounce';
import { messageOf } from '../../lib/errors.ts';

/** What the command needs of the process it runs in. */
export interface BounceIo {
  /** Opened when it is needed; throws where it is nothing that can be read. */
  openStdin(): Readable;
  write(line: string): void;
  writeError(line: string): void;
}

const processIo = (): BounceIo => ({
  openStdin() {
    // Node gives an empty stream for a folder, and an empty mail is a valid answer.
    if (fstatSync(process.stdin.fd).isDirectory()) throw new Error('it is a folder');
    return process.stdin;
  },
  write: (line) => void process.stdout.write(line),
  writeError: (line) => void process.stderr.write(line),
});

/**
 * `posthorn bounce < mail.eml`, or `posthorn bounce mail.eml`: prints what the mail is and whom it
 * speaks of, as one JSON object on one line. Resolves with the exit code: 0 whatever the mail is, 1
 * where it cannot be read.
 */
export async function readBounceMail(file?: string, io: BounceIo = processIo()): Promise<number> {
  try {
    const source = file === undefined ? io.openStdin() : createReadStream(file);
    const report = await parseReportStream(source);
    io.write(`${JSON.stringify(toOutput(report))}\n`);
    return 0;
  } catch (error) {
    const name = file === undefined ? 'standard input' : file;
    io.writeError(`posthorn: cannot read ${name}: ${messageOf(error)}\n`);
    return 1;
  }
}

/** A fixed set of keys, so that a script can rely on them. */
function toOutput(report: Report) {
  return {
    kind: report.kind,
    recipients: report.recipients.map((recipient) => ({
      recipient: recipient.recipient,
      action: recipient.action,
      status: recipient.status,
      smtpCode: recipient.smtpCode,
      type: recipient.type,
      scope: recipient.scope,
      category: recipient.category,
      reason: recipient.reason,
      diagnostic: recipient.diagnostic,
    })),
    originalMessageId: report.original?.messageId ?? null,
  };
}
