// A table file: every command of the command line, in the order of the help.
import { ACCOUNT_COMMANDS } from './account/commands.ts';
import { ALERT_COMMANDS } from './alerts/commands.ts';
import { BACKUP_COMMANDS } from './backup/commands.ts';
import { createCompletionCommand } from './completion/completion.ts';
import { listDeliveries } from './deliveries/list-deliveries.ts';
import { replay } from './deliveries/replay.ts';
import { retryDelivery } from './deliveries/retry-delivery.ts';
import { showDelivery } from './deliveries/show-delivery.ts';
import { doctor } from './doctor/doctor.ts';
import { DOMAIN_COMMANDS } from './domains/domain-commands.ts';
import { createEndpoint } from './endpoints/create-endpoint.ts';
import { deleteEndpoint } from './endpoints/delete-endpoint.ts';
import { listEndpoints } from './endpoints/list-endpoints.ts';
import { rotateEndpoint } from './endpoints/rotate-endpoint.ts';
import { showEndpoint } from './endpoints/show-endpoint.ts';
import { disableEndpoint, enableEndpoint } from './endpoints/switch-endpoint.ts';
import { testEndpoint } from './endpoints/test-endpoint.ts';
import { updateEndpoint } from './endpoints/update-endpoint.ts';
import { listEvents } from './events/list-events.ts';
import { showEvent } from './events/show-event.ts';
import { tailEvents } from './events/tail-events.ts';
import { RECEIVED_COMMANDS } from './inbound/mail-commands.ts';
import { ROUTE_COMMANDS } from './inbound/route-commands.ts';
import { JOB_COMMANDS } from './jobs/job-commands.ts';
import { KEY_COMMANDS } from './keys/key-commands.ts';
import { cancelMessage } from './messages/cancel-message.ts';
import { dropMessage, releaseMessage } from './messages/decide-held.ts';
import { listMessages } from './messages/list-messages.ts';
import { resendMessage } from './messages/resend-message.ts';
import { send } from './messages/send.ts';
import { showMessage } from './messages/show-message.ts';
import type { CommandGroup } from './program/add-commands.ts';
import { RECEIVER_COMMANDS } from './receiver/commands.ts';
import { SERVER_COMMANDS } from './server/commands.ts';
import { nodes } from './server/nodes.ts';
import { SINK_COMMANDS } from './sinks/commands.ts';
import { redecode } from './sources/redecode.ts';
import { SOURCE_COMMANDS } from './sources/source-commands.ts';
import { stats } from './stats/stats.ts';
import { addSuppression } from './suppressions/add-suppression.ts';
import { exportSuppressions } from './suppressions/export-suppressions.ts';
import { importSuppressions } from './suppressions/import-suppressions.ts';
import { listSuppressions } from './suppressions/list-suppressions.ts';
import { removeSuppression } from './suppressions/remove-suppression.ts';
import { top } from './top/top.ts';

/** What stands above commands of two words. */
const NOUNS: Readonly<Record<string, string>> = {
  messages: 'Messages, and what became of them.',
  events: 'The log of events, as it is and as it grows.',
  endpoints: 'Where events are posted to.',
  deliveries: 'What endpoints were owed, and what they answered.',
  suppressions: 'Addresses that get no mail.',
  domains: 'Domains that mail is sent from, and their DNS records.',
  sinks: 'Where events go beside webhooks: queues, warehouses, chats, APIs.',
  sources: 'Other providers whose webhooks come in.',
  inbound: 'Mail that comes in.',
  routes: 'Addresses that mail is taken for.',
  alerts: 'Rules that watch over the project, and what fires.',
  jobs: 'Long work of the server: replays, imports, exports, erasures.',
  keys: 'API keys of the project.',
  profiles: 'Servers that "posthorn login" has saved.',
};

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  { heading: 'Run a server:', commands: [...SERVER_COMMANDS, doctor, ...BACKUP_COMMANDS] },
  {
    heading: 'Ask a server (posthorn login first):',
    nouns: NOUNS,
    commands: [
      ...ACCOUNT_COMMANDS,
      send,
      listMessages,
      showMessage,
      cancelMessage,
      resendMessage,
      releaseMessage,
      dropMessage,
      listEvents,
      showEvent,
      tailEvents,
      listEndpoints,
      createEndpoint,
      showEndpoint,
      updateEndpoint,
      testEndpoint,
      rotateEndpoint,
      enableEndpoint,
      disableEndpoint,
      deleteEndpoint,
      listDeliveries,
      showDelivery,
      retryDelivery,
      replay,
      listSuppressions,
      addSuppression,
      removeSuppression,
      importSuppressions,
      exportSuppressions,
      ...DOMAIN_COMMANDS,
      ...SINK_COMMANDS,
      ...SOURCE_COMMANDS,
      redecode,
      ...RECEIVED_COMMANDS,
      ...ROUTE_COMMANDS,
      ...JOB_COMMANDS,
      ...KEY_COMMANDS,
      ...ALERT_COMMANDS,
      stats,
      top,
      nodes,
    ],
  },
  { heading: 'Write a receiver of webhooks:', commands: RECEIVER_COMMANDS },
  {
    heading: 'Your shell:',
    commands: [createCompletionCommand((): readonly CommandGroup[] => COMMAND_GROUPS)],
  },
];
