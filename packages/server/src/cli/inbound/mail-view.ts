import { plain } from '../output/columns.ts';
import { renderFields, type TableColumn, toShortTime } from '../output/table.ts';

interface Mailbox {
  address: string;
  name?: string | null;
}

/** As `GET /v1/inbound/messages` lists it (http/api/inbound/inbound-json.ts). */
export interface ReceivedRow {
  id: string;
  recipient: string;
  subject: string | null;
  received_at: string;
  from?: Mailbox | null;
  spam?: { suspected: boolean };
  automatic?: string | null;
  attachments: number;
}

/** As `GET /v1/inbound/messages/{id}` says it. */
export interface ReceivedView extends Omit<ReceivedRow, 'attachments' | 'spam'> {
  smtp_id: string | null;
  route_id?: string | null;
  envelope_from?: string | null;
  size_bytes?: number;
  in_reply_to?: string | null;
  authentication?: Record<'spf' | 'dkim' | 'dmarc' | 'arc', { result: string }>;
  spam?: { suspected: boolean; reasons: string[] };
  attachments?: {
    number: number;
    filename: string | null;
    content_type: string;
    size_bytes: number;
  }[];
  text?: string | null;
}

export const RECEIVED_COLUMNS: readonly TableColumn<ReceivedRow>[] = [
  { head: 'mail', text: ({ id }) => id },
  { head: 'received', minWidth: 10, text: ({ received_at }) => toShortTime(received_at) },
  { head: 'from', minWidth: 6, text: ({ from }) => from?.address ?? null },
  { head: 'to', minWidth: 6, text: ({ recipient }) => recipient },
  { head: 'subject', minWidth: 6, text: ({ subject }) => subject },
  { head: 'files', align: 'right', text: ({ attachments }) => attachments },
  { head: 'note', minWidth: 4, text: noteOf },
];

function noteOf({ spam, automatic }: Pick<ReceivedRow, 'spam' | 'automatic'>): string | null {
  return spam?.suspected === true ? 'suspected spam' : (automatic ?? null);
}

/** Facts, then the text as it was written: line breaks stay, what moves a cursor does not. */
export function renderReceived(mail: ReceivedView): string[] {
  const { authentication, spam, attachments = [], text } = mail;
  return [
    ...renderFields([
      ['mail', mail.id],
      ['received', toShortTime(mail.received_at)],
      ['from', describeMailbox(mail.from)],
      ['envelope from', mail.envelope_from === '' ? '<>' : (mail.envelope_from ?? null)],
      ['to', mail.recipient],
      ['subject', mail.subject],
      ['Message-ID', mail.smtp_id],
      ['answers', mail.in_reply_to ?? null],
      ['route', mail.route_id ?? null],
      ['proves', authentication === undefined ? null : describeResults(authentication)],
      ['suspected', spam?.suspected === true ? spam.reasons.join(', ') : null],
      ['automatic', mail.automatic ?? null],
      ['size', mail.size_bytes === undefined ? null : `${mail.size_bytes} bytes`],
    ]),
    ...attachments.map(
      ({ number, filename, content_type, size_bytes }) =>
        `file ${number}  ${plain(filename ?? '(no name)')}  ${plain(content_type)}  ${size_bytes} bytes`,
    ),
    '',
    ...(typeof text === 'string'
      ? text.trimEnd().split(/\r?\n/).map(plainLine)
      : ['What it says is not kept any more.']),
  ];
}

function describeMailbox(from: Mailbox | null | undefined): string | null {
  if (from === null || from === undefined) return null;
  return typeof from.name === 'string' ? `${from.name} <${from.address}>` : from.address;
}

function describeResults(all: NonNullable<ReceivedView['authentication']>): string {
  const names = ['spf', 'dkim', 'dmarc', 'arc'] as const;
  return names.map((name) => `${name} ${all[name].result}`).join(', ');
}

/** As `plain`, with the spaces that a quote or a list is set in by. */
function plainLine(line: string): string {
  return `${/^ */.exec(line)?.[0] ?? ''}${plain(line)}`;
}
