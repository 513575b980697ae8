import { renderColumns } from '../output/columns.ts';
import { DEMO_SENDER } from './demo-messages.ts';
import { SANDBOX_ADDRESSES } from './sandbox-addresses.ts';
import type { Submission } from './send-messages.ts';
import type { Colors } from './timeline-table.ts';

/** The sandbox's addresses with what becomes of mail to them. */
export function renderSandboxAddresses(colors: Colors): string[] {
  const rows = SANDBOX_ADDRESSES.map(({ localPart, does, refusal }) => [
    { text: `${localPart}@`, paint: colors.bold },
    { text: does },
    { text: refusal === null ? '' : `${refusal.code} ${refusal.text}`, paint: colors.dim },
  ]);
  const rest = [{ text: 'anything else' }, { text: 'taken at once' }, { text: '' }];
  return renderColumns(
    [...rows, rest],
    [{ minWidth: 13 }, { minWidth: 20 }, { minWidth: 10 }],
    110,
  );
}

/** Everything to go on with, ready to be pasted. */
export function renderWhatToTry(input: {
  httpUrl: string;
  apiKey: string;
  owner: { email: string; password: string };
  submission: Submission;
  receiverUrl: string;
  messageId: string;
  deliveryId: string;
  colors: Colors;
}): string[] {
  const { httpUrl, apiKey, owner, submission, colors } = input;
  const key = `-H 'Authorization: Bearer ${apiKey}'`;
  const body = JSON.stringify({
    from: DEMO_SENDER.email,
    to: 'delivered@sandbox.test',
    subject: 'Hello',
    text: 'Hello from curl.',
  });
  const commands: [string, string][] = [
    [
      'Send a message (put any address of the table in "to")',
      `curl -s ${httpUrl}/v1/messages ${key} -H 'Content-Type: application/json' -d '${body}'`,
    ],
    ['See what became of a message', `curl -s ${httpUrl}/v1/messages/${input.messageId} ${key}`],
    ['List the events', `curl -s '${httpUrl}/v1/events?limit=20' ${key}`],
    [
      'Post an event to the endpoint once more',
      `curl -s -X POST ${httpUrl}/v1/deliveries/${input.deliveryId}/retry ${key}`,
    ],
  ];
  return [
    colors.bold('Posthorn is running'),
    ...renderColumns(
      [
        [{ text: '  Portal' }, { text: `${httpUrl}/portal/` }],
        [{ text: '  Sign in as' }, { text: `${owner.email}, password ${owner.password}` }],
        [{ text: '  HTTP API' }, { text: httpUrl }],
        [{ text: '  Documentation of the API' }, { text: `${httpUrl}/docs` }],
        [{ text: '  API key' }, { text: apiKey }],
        [
          { text: '  SMTP' },
          {
            text: `${submission.host}:${submission.port}, user ${submission.user}, password: the API key`,
          },
        ],
        [{ text: '  Webhook receiver' }, { text: input.receiverUrl }],
      ],
      [{ minWidth: 26 }, { minWidth: 100 }],
      200,
    ),
    '',
    colors.bold('Addresses of the sandbox, at any domain'),
    ...renderSandboxAddresses(colors).map((line) => `  ${line}`),
    '',
    ...commands.flatMap(([title, command]) => [colors.bold(title), command, '']),
    'Press Ctrl-C to stop. Nothing of this is kept.',
  ];
}
