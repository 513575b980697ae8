import { RECIPIENT_STATES } from '@posthorn/sdk';
import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { type TableColumn, toShortTime } from '../output/table.ts';
import { choice, defineCommand, option } from '../program/command-spec.ts';
import { readTime } from '../program/values.ts';

interface MessageRow {
  id: string;
  from: string;
  subject: string | null;
  created_at: string;
}

interface Options extends PageOptions {
  recipient?: string;
  state?: string;
  subject?: string;
  tag?: string;
  messageId?: string;
  since?: string;
  until?: string;
}

const COLUMNS: readonly TableColumn<MessageRow>[] = [
  { head: 'message', text: ({ id }) => id },
  { head: 'accepted', text: ({ created_at }) => toShortTime(created_at) },
  { head: 'from', minWidth: 10, text: ({ from }) => from },
  { head: 'subject', minWidth: 10, text: ({ subject }) => subject },
];

export const listMessages = defineCommand<Options>({
  name: 'messages list',
  summary: 'List messages, or look for them by recipient, state, subject, tag and time.',
  options: [
    option('--recipient <address>', 'only messages to this address'),
    choice('--state <state>', 'only where a recipient is in this state', RECIPIENT_STATES),
    option('--subject <text>', 'only with this in their subject'),
    option('--tag <tag>', 'only with this tag'),
    option('--message-id <id>', 'only the one with this Message-ID'),
    option('--since <time>', 'accepted from this time on, or so long ago: 2h'),
    option('--until <time>', 'accepted up to this time'),
    ...pageOptions(),
  ],
  examples: [
    'posthorn messages list --state bounced --since 1d',
    'posthorn messages list --recipient you@example.com --all',
  ],
  run(call) {
    const { recipient, state, subject, tag, messageId, since, until } = call.options;
    const nowMs = call.world.nowMs();
    return printList<MessageRow>(call, '/v1/messages', {
      query: {
        recipient,
        state,
        subject,
        tag,
        smtp_id: messageId,
        since: since === undefined ? undefined : readTime(since, nowMs, '--since'),
        until: until === undefined ? undefined : readTime(until, nowMs, '--until'),
      },
      columns: COLUMNS,
      empty: 'There is no such message. "posthorn send" makes one.',
    });
  },
});
