import type { Option } from 'commander';
import { option, type ServerCall } from '../program/command-spec.ts';
import { given, readObject, readText, wholeNumber } from '../program/values.ts';

/** The settings of an endpoint that have a flag; `--fields` takes all of them. */
export interface EndpointFieldOptions {
  type?: string;
  dialect?: string;
  transformation?: string;
  description?: string;
  uid?: string;
  rateLimit?: number;
  concurrency?: number;
  timeout?: string;
  notifyEmail?: string;
  fields?: string;
}

export const endpointFieldOptions = (): Option[] => [
  option('--type <types>', 'types or families, separated by commas: email.*,suppression.added'),
  option('--dialect <name>', 'the format: standard, sendgrid, postmark ... (docs/dialects.md)'),
  option(
    '--transformation <file>',
    'JSONata that makes the body of an event (docs/webhooks.md); - reads standard input',
  ),
  option('--description <text>', 'for people'),
  option('--uid <name>', 'a name of your own, which commands take instead of the id'),
  option('--rate-limit <number>', 'posts a second', wholeNumber(1, 100_000)),
  option('--concurrency <number>', 'posts at once', wholeNumber(1, 1_000)),
  option('--timeout <duration>', 'how long it may take to answer, such as 10s'),
  option('--notify-email <address>', 'who is told when it fails'),
  option(
    '--fields <file>',
    'JSON with any other fields (docs/endpoints.md); - reads standard input',
  ),
];

/** As the API names them; a flag counts more than the same in `--fields`. */
export async function readEndpointFields({
  options,
  world,
}: Pick<ServerCall<EndpointFieldOptions>, 'options' | 'world'>): Promise<Record<string, unknown>> {
  const { type, dialect, description, uid, rateLimit, concurrency, timeout, notifyEmail } = options;
  const read =
    options.fields === undefined ? {} : await readObject(options.fields, world, '--fields');
  const transformation =
    options.transformation === undefined
      ? undefined
      : await readText(options.transformation, world, '--transformation');
  const flags = given({
    event_types: type?.split(',').map((one) => one.trim()),
    dialect,
    transformation,
    description,
    uid,
    rate_limit: rateLimit,
    concurrency,
    timeout,
    notify_email: notifyEmail,
  });
  return { ...read, ...flags };
}
