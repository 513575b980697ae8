import { randomBytes } from 'node:crypto';
import type { Ids } from '../../../core/ids.ts';
import type { SourceRecord, SourceSecrets } from '../../../core/source.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { LiveSource, SourceDirectory } from '../../../sources/source-directory.ts';
import type { SourceRecorder } from '../../../sources/source-recorder.ts';
import type { Statement } from '../../../store/engine.ts';
import type { SourceActivities } from '../../../store/sources/source-activities.ts';
import { explainConflict, type IfMatch } from '../../entity-tag.ts';
import { toSourceJson } from './source-json.ts';

export interface SourceAccessDeps {
  sourceRoom: {
    directory: SourceDirectory<Statement>;
    recorder: Pick<SourceRecorder, 'flush'>;
  };
  sourceActivities: Pick<SourceActivities, 'get' | 'of'>;
  /** Null: only the path of a URL is known. */
  publicUrl: string | null;
  ids: Ids;
  now: () => number;
}

type NewSource = Omit<SourceRecord, 'secretsSealed'>;

/** What the routes of sources share: finding one, showing it, and storing a change of it. */
export interface SourceAccess {
  /** Throws `not_found`. */
  find(projectId: string, id: string): LiveSource;
  show(record: NewSource, secrets: SourceSecrets): Promise<ReturnType<typeof toSourceJson>>;
  showAll(projectId: string, records: readonly SourceRecord[]): Promise<object[]>;
  /** Stores `changed`, which has the next version already. Throws `precondition_failed` or `conflict`. */
  save(
    before: SourceRecord,
    changed: NewSource,
    options: { secrets: SourceSecrets; ifMatch: IfMatch; beside?: readonly Statement[] },
  ): Promise<void>;
  remove(record: SourceRecord, ifMatch: IfMatch): Promise<void>;
  urlOf(token: string): { path: string; url: string | null };
}

const TOKEN_BYTES = 32;

/** Nobody guesses it, and it says what it is when it turns up somewhere. */
export function makeToken(): string {
  return `phs_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
}

export function createSourceAccess(deps: SourceAccessDeps): SourceAccess {
  const { sourceRoom, sourceActivities, now } = deps;
  const { directory, recorder } = sourceRoom;

  /** Says what has collided; the store only knows that something did. */
  async function explained(work: Promise<unknown>, ifMatch: IfMatch): Promise<void> {
    await work.catch((error: unknown) => {
      throw explainConflict(error, ifMatch);
    });
  }

  return {
    find(projectId, id) {
      const found = directory.find(projectId, id);
      if (found === null) throw new PosthornError('not_found', `There is no source ${id}.`);
      return found;
    },
    async show(record, secrets) {
      await recorder.flush();
      const activity = await sourceActivities.get(record);
      return toSourceJson(record, { secrets, activity, nowMs: now() });
    },
    async showAll(projectId, records) {
      await recorder.flush();
      const ids = records.map(({ id }) => id);
      const activities = await sourceActivities.of(projectId, ids);
      return records.flatMap((record) => {
        const activity = activities.get(record.id);
        if (activity === undefined) return [];
        const secrets = directory.secretsOf(record);
        return [toSourceJson(record, { secrets, activity, nowMs: now() })];
      });
    },
    async save(before, changed, { secrets, ifMatch, beside = [] }) {
      await explained(directory.update(before, changed, { secrets, beside }), ifMatch);
    },
    remove({ projectId, id, version }, ifMatch) {
      const wanted = ifMatch === null ? undefined : version;
      return explained(directory.remove(projectId, id, now(), wanted), ifMatch);
    },
    urlOf(token) {
      const path = `/in/${token}`;
      return { path, url: deps.publicUrl === null ? null : `${deps.publicUrl}${path}` };
    },
  };
}
