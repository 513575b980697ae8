import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { type TableColumn, toShortTime } from '../output/table.ts';
import { defineCommand, option } from '../program/command-spec.ts';

interface MessageRow {
  id: string;
  from: string;
  subject: string | null;
  created_at: string;
}

const COLUMNS: readonly TableColumn<MessageRow>[] = [
  { head: 'message', text: ({ id }) => id },
  { head: 'accepted', text: ({ created_at }) => toShortTime(created_at) },
  { head: 'from', minWidth: 10, text: ({ from }) => from },
  { head: 'subject', minWidth: 10, text: ({ subject }) => subject },
];

export const listMessages = defineCommand<PageOptions & { recipient?: string }>({
  name: 'messages list',
  summary: 'List messages, or look for those to one recipient.',
  options: [option('--recipient <address>', 'only messages to this address'), ...pageOptions()],
  examples: ['posthorn messages list', 'posthorn messages list --recipient you@example.com --all'],
  run: (call) =>
    printList<MessageRow>(call, '/v1/messages', {
      query: { recipient: call.options.recipient },
      columns: COLUMNS,
      empty: 'There is no such message. "posthorn send" makes one.',
    }),
});
