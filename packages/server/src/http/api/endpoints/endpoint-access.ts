import type { z } from 'zod';
import type { Ids } from '../../../core/ids.ts';
import type { EndpointSecrets } from '../../../core/webhooks/endpoint-settings.ts';
import { PosthornError } from '../../../lib/errors.ts';
import { type Statement, StoreConflict } from '../../../store/engine.ts';
import type { EndpointRecord } from '../../../store/webhooks/endpoints.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import type { EndpointDefaults } from '../../../webhooks/endpoints/live-endpoint.ts';
import { explainConflict, type IfMatch } from '../../entity-tag.ts';
import { type endpointSchema, toEndpointJson } from './endpoint-json.ts';

export interface EndpointAccessDeps {
  directory: Pick<EndpointDirectory, 'lookUp' | 'create' | 'update' | 'remove' | 'secretsOf'>;
  endpointDefaults: EndpointDefaults;
  ids: Ids;
  now: () => number;
}

type NewRecord = Omit<EndpointRecord, 'secretsSealed'>;

/** What the routes of endpoints share: finding one, showing it, and storing a change of it. */
export interface EndpointAccess {
  /** By id or uid. Throws `not_found`. */
  find(projectId: string, idOrUid: unknown): { record: EndpointRecord; secrets: EndpointSecrets };
  /** Receivers can fetch from this server. */
  hasPublicUrl: boolean;
  show(record: NewRecord, secrets: EndpointSecrets): z.input<typeof endpointSchema>;
  create(record: NewRecord, secrets: EndpointSecrets, beside: readonly Statement[]): Promise<void>;
  /**
   * Stores `changed`, which has the next version already. Throws `precondition_failed` or `conflict`
   * when somebody was faster; nothing is stored then.
   */
  save(
    before: EndpointRecord,
    changed: EndpointRecord,
    options: { secrets: EndpointSecrets; ifMatch: IfMatch; beside?: readonly Statement[] },
  ): Promise<void>;
  remove(record: EndpointRecord, ifMatch: IfMatch): Promise<void>;
}

export function createEndpointAccess(deps: EndpointAccessDeps): EndpointAccess {
  const { directory, now } = deps;

  /** Says what has collided; the store only knows that something did. */
  async function explained(
    work: Promise<unknown>,
    { projectId, id, uid }: NewRecord,
    ifMatch: IfMatch,
  ): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      const holder = uid === null ? null : directory.lookUp(projectId, uid);
      if (holder !== null && holder.record.id !== id) {
        const detail = `The endpoint ${holder.record.id} has this uid already.`;
        const fields = [{ pointer: '/uid', detail }];
        throw new PosthornError('conflict', `/uid: ${detail}`, { cause: error, fields });
      }
      throw explainConflict(error, ifMatch);
    }
  }

  return {
    find(projectId, idOrUid) {
      const found = directory.lookUp(projectId, String(idOrUid));
      if (found === null) throw new PosthornError('not_found', `There is no endpoint ${idOrUid}.`);
      const { record } = found;
      return { record, secrets: directory.secretsOf(record) };
    },
    hasPublicUrl: deps.endpointDefaults.sender.publicUrl !== null,
    show: (record, secrets) =>
      toEndpointJson(record, { secrets, defaults: deps.endpointDefaults, nowMs: now() }),
    create: (record, secrets, beside) =>
      explained(directory.create(record, secrets, beside), record, null),
    save: (before, changed, { secrets, ifMatch, beside = [] }) =>
      explained(directory.update(before, changed, { secrets, beside }), changed, ifMatch),
    remove(record, ifMatch) {
      const { projectId, id, version } = record;
      const wanted = ifMatch === null ? undefined : version;
      return explained(directory.remove(projectId, id, now(), wanted), record, ifMatch);
    },
  };
}
