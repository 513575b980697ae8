import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { ConfigError } from '../../config.ts';
import { ApiError } from '../client/api-client.ts';
import {
  choice,
  defineCommand,
  option,
  repeated,
  type ServerCall,
} from '../program/command-spec.ts';
import { given, readBytes, readObject, readText } from '../program/values.ts';
import { type Accepted, describeAccepted } from './describe-accepted.ts';

interface Options {
  from?: string;
  to: string[];
  cc: string[];
  bcc: string[];
  replyTo?: string;
  subject?: string;
  text?: string;
  html?: string;
  attach: string[];
  header: string[];
  tag: string[];
  metadata: string[];
  stream?: string;
  sendAt?: string;
  expectWithin?: string;
  fields?: string;
  idempotencyKey?: string;
}

/** `posthorn send`: a message from flags, files and standard input. */
export const send = defineCommand<Options>({
  name: 'send',
  summary: 'Send a message; without --text and --html the text is read from standard input.',
  options: [
    option('--from <address>', 'sender, such as "Shop <orders@shop.example>"'),
    repeated('--to <address>', 'recipient; may be repeated'),
    repeated('--cc <address>', 'may be repeated'),
    repeated('--bcc <address>', 'may be repeated'),
    option('--reply-to <address>', 'where answers go'),
    option('--subject <text>', 'one line'),
    option('--text <text>', 'the text; @FILE reads it, @- reads standard input'),
    option('--html <html>', 'the HTML; @FILE reads it, @- reads standard input'),
    repeated('--attach <file>', 'a file; FILE:TYPE names its media type; may be repeated'),
    repeated('--header <line>', '"Name: value"; may be repeated'),
    repeated('--tag <tag>', 'may be repeated'),
    repeated('--metadata <pair>', 'name=value; may be repeated'),
    choice('--stream <stream>', 'what kind of mail it is', ['transactional', 'broadcast']),
    option('--send-at <time>', 'when to send it, such as 2026-12-24T08:00:00Z'),
    option('--expect-within <duration>', 'by when it has to be there, such as 90s'),
    option('--fields <file>', 'JSON with further fields (docs/sending.md); - reads standard input'),
    option(
      '--idempotency-key <key>',
      'the same key again sends nothing again (default: a new one)',
    ),
  ],
  json: "the server's answer as JSON",
  examples: [
    'posthorn send --from orders@shop.example --to you@example.com --subject Hello --text "It works."',
    'posthorn send --from me@shop.example --to you@example.com --subject Log --attach app.log < note.txt',
  ],
  async run(call) {
    const body = await composeBody(call);
    const key = call.options.idempotencyKey ?? randomUUID();
    const accepted = await post(call, body, key);
    call.print.thing(accepted, () => describeAccepted(accepted));
    return 0;
  },
});

async function post({ client }: ServerCall<Options>, body: object, key: string): Promise<Accepted> {
  try {
    return await client.post<Accepted>('/v1/messages', body, { 'idempotency-key': key });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== null) throw error;
    throw new ApiError(
      `${error.message} The message may have been taken all the same: run this again with --idempotency-key ${key}, and it is sent once.`,
    );
  }
}

async function composeBody({ options, world, print }: ServerCall<Options>): Promise<object> {
  const isInputTaken = readsInput(options);
  const fields =
    options.fields === undefined ? {} : await readObject(options.fields, world, '--fields');
  const hasBody = 'text' in fields || 'html' in fields || options.html !== undefined;
  const wanted = options.text ?? (hasBody || isInputTaken ? undefined : '@-');
  if (wanted === '@-' && world.ask !== null) print.note('Type the text; Ctrl-D ends it.');
  const readBody = async (value: string | undefined, flag: string): Promise<string | undefined> =>
    value?.startsWith('@') ? readText(value.slice(1), world, flag) : value;
  const attachments = await Promise.all(options.attach.map((one) => readAttachment(one, world)));
  const { from, to, cc, bcc, replyTo, subject, stream, sendAt, expectWithin, tag } = options;
  return {
    ...fields,
    ...given({
      from,
      to,
      cc,
      bcc,
      reply_to: replyTo,
      subject,
      text: await readBody(wanted, '--text'),
      html: await readBody(options.html, '--html'),
      attachments,
      headers: readPairs(options.header, ':', '--header', 'Name: value'),
      metadata: readPairs(options.metadata, '=', '--metadata', 'name=value'),
      stream,
      send_at: sendAt,
      expect_within: expectWithin,
      tags: tag,
    }),
  };
}

/** Whether standard input is one of the things that are read. Throws ConfigError where it is several. */
function readsInput({ text, html, attach, fields }: Options): boolean {
  const readers = [
    text === '@-',
    html === '@-',
    fields === '-',
    ...attach.map((one) => /^-(:|$)/.test(one)),
  ];
  const count = readers.filter((reads) => reads).length;
  if (count <= 1) return count === 1;
  throw new ConfigError('Only one of --text, --html, --attach and --fields can be standard input.');
}

async function readAttachment(
  value: string,
  world: ServerCall<Options>['world'],
): Promise<{ filename: string; content: string; content_type?: string }> {
  const [, file = value, type] = /^(.+):([\w.+-]+\/[\w.+-]+)$/.exec(value) ?? [];
  const bytes = await readBytes(file, world, '--attach');
  return {
    filename: file === '-' ? 'attachment' : basename(file),
    content: Buffer.from(bytes).toString('base64'),
    ...(type === undefined ? {} : { content_type: type }),
  };
}

function readPairs(
  pairs: readonly string[],
  separator: string,
  flag: string,
  shape: string,
): Record<string, string> | undefined {
  if (pairs.length === 0) return undefined;
  const entries = pairs.map((pair) => {
    const at = pair.indexOf(separator);
    if (at > 0) return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    throw new ConfigError(`${flag}: ${JSON.stringify(pair)} is not ${shape}.`);
  });
  return Object.fromEntries(entries);
}
