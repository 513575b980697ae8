import type { Option } from 'commander';
import { option } from '../program/command-spec.ts';
import { given } from '../program/values.ts';

export interface EventFilterOptions {
  type?: string;
  message?: string;
  recipient?: string;
}

export const eventFilterOptions = (): Option[] => [
  option(
    '--type <types>',
    'only these types or families, separated by commas: email.bounced,email.*',
  ),
  option('--message <id>', 'only events of this message'),
  option('--recipient <address>', 'only events about this recipient'),
];

/** As the API names them. */
export function toEventQuery(options: EventFilterOptions): Record<string, string> {
  const { type, message, recipient } = options;
  return given({ type, message_id: message, recipient }) as Record<string, string>;
}
