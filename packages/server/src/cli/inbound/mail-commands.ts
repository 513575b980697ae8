import { writeFileSync } from 'node:fs';
import { ConfigError } from '../../config.ts';
import { messageOf } from '../../lib/errors.ts';
import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { defineCommand, option, type ServerCommandSpec } from '../program/command-spec.ts';
import { confirm } from '../program/confirm.ts';
import { wholeNumber } from '../program/values.ts';
import {
  RECEIVED_COLUMNS,
  type ReceivedRow,
  type ReceivedView,
  renderReceived,
} from './mail-view.ts';

/** For a mail as large as the server takes it, over a slow line. */
const TIMEOUT_MS = 600_000;

const pathOf = (id: string | undefined): string =>
  `/v1/inbound/messages/${encodeURIComponent(id ?? '')}`;

const listReceived = defineCommand<PageOptions & { recipient?: string; route?: string }>({
  name: 'inbound list',
  summary: 'List the mail that has come in.',
  options: [
    option('--recipient <address>', 'that came to this address'),
    option('--route <id>', 'that this route took'),
    ...pageOptions(),
  ],
  examples: ['posthorn inbound list', 'posthorn inbound list --recipient support@in.shop.example'],
  run(call) {
    const { recipient, route } = call.options;
    const which = recipient === undefined && route === undefined ? '' : ' that fits';
    return printList<ReceivedRow>(call, '/v1/inbound/messages', {
      query: { recipient, route_id: route },
      columns: RECEIVED_COLUMNS,
      empty: `No mail${which} has come in. "posthorn inbound routes list" says which addresses take some.`,
    });
  },
});

const showReceived = defineCommand<object>({
  name: 'inbound show',
  summary: 'Show a mail that has come in: who it is from, what it proves, its files and its text.',
  args: ['<id>'],
  json: "the server's answer as JSON",
  examples: ['posthorn inbound show rcv_...'],
  async run({ args: [id], client, print }) {
    const mail = await client.get<ReceivedView>(pathOf(id));
    print.thing(mail, () => renderReceived(mail));
    return 0;
  },
});

const saveReceived = defineCommand<{ attachment?: number }>({
  name: 'inbound save',
  summary: 'Write a mail that has come in, or a file of it, to a file.',
  args: ['<id>', '<file>'],
  options: [
    option(
      '--attachment <number>',
      'this file of it, and not the whole mail',
      wholeNumber(1, 1_000),
    ),
  ],
  json: 'how much was written as JSON',
  examples: [
    'posthorn inbound save rcv_... mail.eml',
    'posthorn inbound save rcv_... photo.jpg --attachment 1',
  ],
  async run({ args: [id, file = ''], client, options: { attachment }, print }) {
    const part = attachment === undefined ? 'raw' : `attachments/${attachment}`;
    const answer = await client.open(`${pathOf(id)}/${part}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    try {
      // What somebody wrote to you: nobody else's to read, and never over a file that is there.
      writeFileSync(file, bytes, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      throw new ConfigError(`${file} cannot be written: ${messageOf(error)}`);
    }
    print.thing({ file, size_bytes: bytes.length }, () => [
      `${bytes.length} bytes are in ${file}.`,
    ]);
    return 0;
  },
});

const deleteReceived = defineCommand<{ yes?: boolean }>({
  name: 'inbound delete',
  summary: 'Delete a mail that has come in, with its files; its event stays.',
  args: ['<id>'],
  options: [option('--yes', 'do not ask')],
  json: 'what was deleted as JSON',
  examples: ['posthorn inbound delete rcv_... --yes'],
  async run({ args: [id], client, options, print, world }) {
    const { subject, recipient } = await client.get<ReceivedView>(pathOf(id));
    const what = `the mail "${subject ?? ''}" to ${recipient}`;
    if (!(await confirm(`Delete ${what}?`, { yes: options.yes, world }))) return 1;
    await client.remove(pathOf(id));
    print.thing({ id, deleted: true }, () => [`Deleted: ${what}`]);
    return 0;
  },
});

export const RECEIVED_COMMANDS: readonly ServerCommandSpec[] = [
  listReceived,
  showReceived,
  saveReceived,
  deleteReceived,
];
