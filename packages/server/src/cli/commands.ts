// A table file: every command of the command line, in the order of the help.
import { ACCOUNT_COMMANDS } from './account/commands.ts';
import type { CommandGroup } from './program/add-commands.ts';
import { RECEIVER_COMMANDS } from './receiver/commands.ts';
import { SERVER_COMMANDS } from './server/commands.ts';
import { nodes } from './server/nodes.ts';
import { redecode } from './sources/redecode.ts';

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  { heading: 'Run a server:', commands: SERVER_COMMANDS },
  {
    heading: 'Ask a server (posthorn login first):',
    nouns: { profiles: 'Servers that "posthorn login" has saved.' },
    commands: [...ACCOUNT_COMMANDS, nodes, redecode],
  },
  { heading: 'Write a receiver of webhooks:', commands: RECEIVER_COMMANDS },
];
