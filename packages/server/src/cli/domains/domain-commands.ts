import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { defineCommand, option, type ServerCommandSpec } from '../program/command-spec.ts';
import { confirm } from '../program/confirm.ts';
import { given } from '../program/values.ts';
import { DOMAIN_COLUMNS, type DomainView, needsWork, renderDomain } from './domain-view.ts';
import { findDomain } from './find-domain.ts';

const listDomains = defineCommand<PageOptions>({
  name: 'domains list',
  summary: 'List the domains that mail is sent from.',
  options: pageOptions(),
  examples: ['posthorn domains list'],
  run: (call) =>
    printList<DomainView>(call, '/v1/domains', {
      columns: DOMAIN_COLUMNS,
      empty: 'There is no domain yet. "posthorn domains add NAME" says what to publish for one.',
    }),
});

const addDomain = defineCommand<{ returnPath?: string; tracking?: string }>({
  name: 'domains add',
  summary: 'Add a sending domain, and show the DNS records to publish.',
  args: ['<name>'],
  options: [
    option('--return-path <label>', 'the label below it where bounces come back to'),
    option('--tracking <label>', 'the label below it for links'),
  ],
  json: 'the domain as JSON',
  examples: ['posthorn domains add shop.example'],
  async run({ args: [name], client, options, print, world }) {
    const { returnPath, tracking } = options;
    const body = { name, ...given({ return_path: returnPath, tracking }) };
    const domain = await client.post<DomainView>('/v1/domains', body);
    print.thing(domain, () => [
      ...renderDomain(domain, world.colors),
      '',
      `Publish these, then: posthorn domains check ${domain.name}`,
    ]);
    return 0;
  },
});

const showDomain = defineCommand<object>({
  name: 'domains show',
  summary: 'Show the records of a domain, and what DNS said the last time.',
  args: ['<name-or-id>'],
  json: 'the domain as JSON',
  examples: ['posthorn domains show shop.example'],
  async run({ args: [given = ''], client, print, world }) {
    const domain = await findDomain(client, given);
    print.thing(domain, () => renderDomain(domain, world.colors));
    return 0;
  },
});

const checkDomain = defineCommand<object>({
  name: 'domains check',
  summary: 'Ask DNS now, and say which records are right; the exit code is 1 when one is not.',
  args: ['<name-or-id>'],
  json: 'the domain as JSON',
  examples: ['posthorn domains check shop.example'],
  async run({ args: [given = ''], client, print, world }) {
    const { id } = await findDomain(client, given);
    const domain = await client.post<DomainView>(`/v1/domains/${id}/check`, undefined);
    print.thing(domain, () => renderDomain(domain, world.colors));
    return needsWork(domain) ? 1 : 0;
  },
});

const deleteDomain = defineCommand<{ yes?: boolean }>({
  name: 'domains delete',
  summary: 'Remove a domain with its DKIM keys.',
  args: ['<name-or-id>'],
  options: [option('--yes', 'do not ask')],
  json: 'what was removed as JSON',
  examples: ['posthorn domains delete shop.example --yes'],
  async run({ args: [given = ''], client, options, print, world }) {
    const { id, name } = await findDomain(client, given);
    if (!(await confirm(`Remove ${name} and its keys?`, { yes: options.yes, world }))) return 1;
    await client.remove(`/v1/domains/${id}`);
    print.thing({ id, name, deleted: true }, () => [`Removed: ${name}`]);
    return 0;
  },
});

export const DOMAIN_COMMANDS: readonly ServerCommandSpec[] = [
  listDomains,
  addDomain,
  showDomain,
  checkDomain,
  deleteDomain,
];
