import { z } from 'zod';
import { type Ids, isId } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { SecretBox } from '../../../lib/secrets/secret-box.ts';
import type { DomainRoom } from '../../../mail/domains/create-domain-room.ts';
import type { DomainView } from '../../../mail/domains/domain-checker.ts';
import { makeKeys } from '../../../mail/domains/make-keys.ts';
import { checkEnvelopeAddress } from '../../../smtp/check-envelope-address.ts';
import type { Engine, Statement } from '../../../store/engine.ts';
import type { DomainRecord, Domains } from '../../../store/mail/domains.ts';
import { checkVersion } from '../../entity-tag.ts';
import { defineRoute, type Route } from '../../route.ts';
import { refuseField } from '../filters.ts';
import { idParam, keyOfCursor, lineOf, pageQuery } from '../schemas.ts';
import { domainList, domainSchema, labelSchema, toDomainJson } from './domain-json.ts';

const settingFields = {
  return_path: labelSchema.describe('The label below the domain where bounces come back to.'),
  tracking: labelSchema.describe('The label below the domain for links.'),
};

const newDomainBody = z.strictObject({
  name: lineOf(253).min(3).describe('Such as shop.example; in Unicode or ASCII.'),
  return_path: settingFields.return_path.default('bounces'),
  tracking: settingFields.tracking.default('links'),
});

const changeBody = z
  .strictObject(settingFields)
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change.');

export interface DomainRouteDeps {
  domains: Domains;
  domainRoom: DomainRoom;
  engine: Pick<Engine, 'commit'>;
  secretBox: Pick<SecretBox, 'seal'>;
  ids: Ids;
  now: () => number;
}

export function createDomainRoutes(deps: DomainRouteDeps): Route[] {
  const { domains, domainRoom, now } = deps;
  const { checker, directory, hosts } = domainRoom;
  const params = idParam('id', 'domain');
  const toJson = (view: DomainView) => toDomainJson(view, hosts);

  async function find(projectId: string, given: Record<string, unknown>): Promise<DomainView> {
    const id = String(given['id']);
    const domain = isId('domain', id) ? await domains.get(projectId, id) : null;
    if (domain === null) throw new PosthornError('not_found', `There is no domain ${id}.`);
    return { domain, keys: await domains.keys(domain) };
  }

  async function commit(statements: readonly Statement[]): Promise<void> {
    await deps.engine.commit({ events: [], statements });
    await directory.load();
  }

  function readName(given: string): string {
    const checked = checkEnvelopeAddress(`postmaster@${given.trim().replace(/\.$/, '')}`, false);
    if (!checked.ok) refuseField('/name', `"${given}" is no domain: ${checked.message}.`);
    return checked.address.slice('postmaster@'.length);
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/domains',
      auth: 'manage',
      group: 'Domains',
      summary: 'Add a sending domain',
      description:
        'Makes DKIM keys and says what to publish in DNS. Publish the records, then POST /v1/domains/{id}/check. As soon as a project has a domain, only verified domains of it may send.',
      body: newDomainBody,
      versioned: true,
      responses: {
        200: { description: 'The project has it already.', schema: domainSchema },
        201: { description: 'Added.', schema: domainSchema },
      },
      async handle({ projectId, body, remember }) {
        const name = readName(body.name);
        const there = await domains.find(projectId, name);
        if (there !== null) {
          const view = { domain: there, keys: await domains.keys(there) };
          const known = { status: 200, body: toJson(view) };
          await commit(remember(known));
          return known;
        }
        const nowMs = now();
        const domain: DomainRecord = {
          projectId,
          id: deps.ids.next('domain'),
          name,
          settings: { returnPath: body.return_path, tracking: body.tracking },
          version: 1,
          createdAtMs: nowMs,
          updatedAtMs: nowMs,
          verifiedAtMs: null,
          checkedAtMs: null,
          check: null,
        };
        const keys = await makeKeys(domain, 'active', { secretBox: deps.secretBox, nowMs });
        const answer = { status: 201, body: toJson({ domain, keys }) };
        await commit([...domains.insertion(domain, keys), ...remember(answer)]);
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/domains',
      auth: 'read',
      group: 'Domains',
      summary: 'List sending domains',
      query: z.strictObject(pageQuery),
      responses: { 200: { description: 'A page, the newest first.', schema: domainList } },
      async handle({ projectId, query }) {
        const { rows, nextCursor } = await domains.list({
          projectId,
          limit: query.limit,
          beforeId: keyOfCursor(query.cursor, (key) => isId('domain', key)),
        });
        const views = await Promise.all(
          rows.map(async (domain) => ({ domain, keys: await domains.keys(domain) })),
        );
        return { status: 200, body: { data: views.map(toJson), next_cursor: nextCursor } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/domains/{id}',
      auth: 'read',
      group: 'Domains',
      summary: 'One domain, with the records to publish',
      params,
      versioned: true,
      responses: { 200: { description: 'The domain.', schema: domainSchema } },
      async handle(request) {
        const view = await find(request.projectId, request.params);
        return { status: 200, body: toJson(view) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/domains/{id}',
      auth: 'manage',
      group: 'Domains',
      summary: 'Change the names of a domain',
      params,
      body: changeBody,
      versioned: true,
      responses: { 200: { description: 'The domain as it is now.', schema: domainSchema } },
      async handle({ projectId, params: given, body, ifMatch }) {
        const { domain: before, keys } = await find(projectId, given);
        checkVersion(ifMatch, before.version);
        const settings = {
          returnPath: body.return_path ?? before.settings.returnPath,
          tracking: body.tracking ?? before.settings.tracking,
        };
        const version = before.version + 1;
        const domain = { ...before, settings, version, updatedAtMs: now() };
        await commit(domains.update(before, domain));
        return { status: 200, body: toJson({ domain, keys }) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/domains/{id}/check',
      auth: 'manage',
      group: 'Domains',
      summary: 'Look at the records in DNS now',
      description:
        'It is done each hour by itself. domain.dns_error and domain.dns_recovered tell of a change.',
      params,
      responses: { 200: { description: 'What DNS says.', schema: domainSchema } },
      async handle({ projectId, params: given, remember }) {
        const { domain } = await find(projectId, given);
        const view = await checker.check(projectId, domain.id, (made) =>
          remember({ status: 200, body: toJson(made) }),
        );
        if (view === null) throw new PosthornError('not_found', `There is no domain ${domain.id}.`);
        return { status: 200, body: toJson(view) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/domains/{id}/dkim/rotate',
      auth: 'manage',
      group: 'Domains',
      summary: 'Replace the DKIM keys',
      description:
        'Makes the next keys. Publish them beside the old ones: as soon as a check finds both they sign, and the old ones retire. Asked again before that, it changes nothing.',
      params,
      responses: { 200: { description: 'The domain with its next keys.', schema: domainSchema } },
      async handle({ projectId, params: given, remember }) {
        const view = await find(projectId, given);
        const nowMs = now();
        const hasNext = view.keys.some(({ state }) => state === 'next');
        const next = hasNext
          ? []
          : await makeKeys(view.domain, 'next', { secretBox: deps.secretBox, nowMs });
        const answer = { status: 200, body: toJson({ ...view, keys: [...view.keys, ...next] }) };
        await commit([...domains.addKeys(next, nowMs), ...remember(answer)]);
        return answer;
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/domains/{id}',
      auth: 'manage',
      group: 'Domains',
      summary: 'Remove a domain',
      description:
        'Its keys are deleted. Mail from it is refused where the project has other domains, and sent unsigned where it was the last one.',
      params,
      versioned: true,
      responses: { 204: { description: 'Removed.' } },
      async handle({ projectId, params: given, ifMatch }) {
        const { domain } = await find(projectId, given);
        checkVersion(ifMatch, domain.version);
        await commit(domains.removal(domain, now()));
        return { status: 204 };
      },
    }),
  ];
}
