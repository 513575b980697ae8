import { ConfigError } from '../../config.ts';
import { INBOUND_ACTIONS, MAX_PRIORITY } from '../../core/mail/inbound-route.ts';
import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { plain } from '../output/columns.ts';
import { paintState, renderFields, type TableColumn } from '../output/table.ts';
import {
  type Call,
  choice,
  defineCommand,
  option,
  repeated,
  type ServerCommandSpec,
} from '../program/command-spec.ts';
import { confirm } from '../program/confirm.ts';
import { given, wholeNumber } from '../program/values.ts';
import { findRoute, type RouteView, routePath } from './find-route.ts';

interface CheckedRoute extends RouteView {
  mx: {
    name: string;
    expected: string;
    status: string;
    found: string | null;
    detail: string | null;
  };
}

const COLUMNS: readonly TableColumn<RouteView>[] = [
  { head: 'route', text: ({ id }) => id },
  { head: 'address', minWidth: 12, text: ({ address }) => address },
  { head: 'action', text: ({ action }) => action },
  { head: 'priority', align: 'right', text: ({ priority }) => priority },
  { head: 'tags', minWidth: 3, text: ({ tags }) => tags.join(',') },
  {
    head: 'state',
    text: stateOf,
    paint: (route, colors) => paintState(route.ready ? 'ok' : 'pending', colors),
  },
];

function stateOf({ ready, action }: RouteView): string {
  if (!ready) return 'not yet';
  return action === 'refuse' ? 'refuses' : 'takes mail';
}

function renderRoute(route: RouteView): string[] {
  return renderFields([
    ['route', route.id],
    ['address', route.address],
    ['action', route.action],
    ['priority', route.priority],
    ['tags', route.tags.join(', ')],
    ['description', route.description],
    ['state', stateOf(route)],
    ['missing', route.detail],
  ]);
}

interface FieldOptions {
  action?: string;
  priority?: number;
  tag: string[];
  description?: string;
}

const fieldOptions = () => [
  choice('--action <action>', 'what becomes of its mail', INBOUND_ACTIONS),
  option(
    '--priority <number>',
    'of routes that match, the lowest decides',
    wholeNumber(0, MAX_PRIORITY),
  ),
  repeated('--tag <tag>', 'events of its mail have it; may be repeated'),
  option('--description <text>', 'for people'),
];

function readFields({ options }: Pick<Call<FieldOptions>, 'options'>): Record<string, unknown> {
  const { action, priority, tag: tags, description } = options;
  return given({ action, priority, tags, description });
}

const listRoutes = defineCommand<PageOptions>({
  name: 'inbound routes list',
  summary: 'List the addresses that mail is taken for.',
  options: pageOptions(),
  examples: ['posthorn inbound routes list'],
  run: (call) =>
    printList<RouteView>(call, '/v1/inbound/routes', {
      columns: COLUMNS,
      empty: 'Mail is taken for no address. "posthorn inbound routes add ADDRESS" adds one.',
    }),
});

const addRoute = defineCommand<FieldOptions>({
  name: 'inbound routes add',
  summary: 'Take mail for an address; * stands for any text in it.',
  args: ['<address>'],
  options: fieldOptions(),
  json: 'the route as JSON',
  examples: [
    'posthorn inbound routes add "support+*@in.shop.example" --tag support',
    'posthorn inbound routes add "*@in.shop.example" --priority 500',
  ],
  async run(call) {
    const { args, client, print } = call;
    const body = { address: args[0], ...readFields(call) };
    const route = await client.post<RouteView>('/v1/inbound/routes', body);
    print.thing(route, () => [
      ...renderRoute(route),
      ...(route.ready
        ? []
        : ['', `When that is done: posthorn inbound routes check "${route.address}"`]),
    ]);
    return 0;
  },
});

const showRoute = defineCommand<object>({
  name: 'inbound routes show',
  summary: 'Show a route, and what is missing for its mail to be taken.',
  args: ['<address-or-id>'],
  json: 'the route as JSON',
  examples: ['posthorn inbound routes show "support+*@in.shop.example"'],
  async run({ args: [named = ''], client, print }) {
    const route = await findRoute(client, named);
    print.thing(route, () => renderRoute(route));
    return 0;
  },
});

const checkRoute = defineCommand<object>({
  name: 'inbound routes check',
  summary: 'Ask DNS where mail for a route goes; the exit code is 1 when it is not taken here.',
  args: ['<address-or-id>'],
  json: 'the route as JSON, with the MX record',
  examples: ['posthorn inbound routes check "support+*@in.shop.example"'],
  async run({ args: [named = ''], client, print, world }) {
    const { id } = await findRoute(client, named);
    const route = await client.post<CheckedRoute>(`${routePath(id)}/check`, undefined);
    const { name, expected, status, found, detail } = route.mx;
    const paint = paintState(status, world.colors) ?? String;
    print.thing(route, () => [
      ...renderRoute(route),
      '',
      `${paint(status)}  MX ${plain(name)}`,
      `    ${plain(expected)}`,
      ...(status === 'ok' || found === null ? [] : [`    DNS says: ${plain(found)}`]),
      ...(status === 'ok' || detail === null ? [] : [`    ${plain(detail)}`]),
    ]);
    return route.ready && status === 'ok' ? 0 : 1;
  },
});

const updateRoute = defineCommand<FieldOptions & { address?: string }>({
  name: 'inbound routes update',
  summary: 'Change a route; what is not named stays as it is.',
  args: ['<address-or-id>'],
  options: [option('--address <address>', 'another address'), ...fieldOptions()],
  json: 'the route as JSON',
  examples: ['posthorn inbound routes update rte_... --action refuse'],
  async run(call) {
    const {
      args: [named = ''],
      client,
      options,
      print,
    } = call;
    const body = { ...readFields(call), ...given({ address: options.address }) };
    if (Object.keys(body).length === 0) {
      throw new ConfigError(
        'Nothing to change: give --address, --action, --tag or another option.',
      );
    }
    const { id } = await findRoute(client, named);
    const route = await client.patch<RouteView>(routePath(id), body);
    print.thing(route, () => renderRoute(route));
    return 0;
  },
});

const deleteRoute = defineCommand<{ yes?: boolean }>({
  name: 'inbound routes delete',
  summary: 'Take no more mail for an address; what has come in stays.',
  args: ['<address-or-id>'],
  options: [option('--yes', 'do not ask')],
  json: 'what was deleted as JSON',
  examples: ['posthorn inbound routes delete rte_... --yes'],
  async run({ args: [named = ''], client, options, print, world }) {
    const { id, address } = await findRoute(client, named);
    const question = `Take no more mail for ${address}?`;
    if (!(await confirm(question, { yes: options.yes, world }))) return 1;
    await client.remove(routePath(id));
    print.thing({ id, address, deleted: true }, () => [`Deleted: ${address}`]);
    return 0;
  },
});

export const ROUTE_COMMANDS: readonly ServerCommandSpec[] = [
  listRoutes,
  addRoute,
  showRoute,
  checkRoute,
  updateRoute,
  deleteRoute,
];
