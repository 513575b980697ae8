import type { SecretBox } from '../lib/secrets/secret-box.ts';
import type { Engine, Statement } from './engine.ts';
import { toStatement } from './statement.ts';

/**
 * All that the store has sealed with the master key, so that a new one can take its place: secrets of
 * endpoints, sources and sinks, keys of DKIM, second factors of users, remembered answers, what keys for other
 * uses are derived from, and a text by which the right key is known. Whoever seals something else adds it
 * here.
 */
export interface SealedValues {
  /** Whether this key is the one; null while the store has no secrets yet. */
  fits(box: SecretBox): Promise<boolean | null>;
  /**
   * What keys for other uses are derived from: the same for ever, whatever the master key is. `fresh`
   * becomes it where there is none yet.
   */
  root(box: SecretBox, fresh: Uint8Array): Promise<Uint8Array>;
  /** From now on, this key is the one. */
  begin(box: SecretBox): Promise<void>;
  /**
   * Opens everything with one key and seals it with another, in one commit: either all of it is under
   * the new key afterwards, or nothing. Nobody else may write meanwhile.
   */
  reseal(boxes: { from: SecretBox; to: SecretBox }, nowMs: number): Promise<Resealed>;
}

export interface Resealed {
  endpoints: number;
  sources: number;
  sinks: number;
  dkimKeys: number;
  secondFactors: number;
  answers: number;
}

/** The contexts: a sealed text that was moved to another row does not open. */
export function endpointContext({ projectId, id }: { projectId: string; id: string }): string {
  return `endpoint:${projectId}:${id}`;
}

export function sourceContext({ projectId, id }: { projectId: string; id: string }): string {
  return `source:${projectId}:${id}`;
}

export function sinkContext({ projectId, id }: { projectId: string; id: string }): string {
  return `sink:${projectId}:${id}`;
}

export function dkimContext(key: {
  projectId: string;
  domainId: string;
  selector: string;
}): string {
  return `dkim:${key.projectId}:${key.domainId}:${key.selector}`;
}

export function totpContext(userId: string): string {
  return `totp:${userId}`;
}

export function answerContext({ projectId, key }: { projectId: string; key: string }): string {
  return `answer:${projectId}:${key}`;
}

/** Who keeps secrets as one sealed text, and what it is sealed for. */
const ROOMS_WITH_SECRETS = {
  endpoints: endpointContext,
  sources: sourceContext,
  sinks: sinkContext,
} as const;

const CHECK_FACT = 'master_key_check';
const CHECK_CONTEXT = 'master key check';
const ROOT_FACT = 'derivation_root';
const ROOT_CONTEXT = 'derivation root';

export function createSealedValues(engine: Engine): SealedValues {
  const { db } = engine;

  const writeCheck = (box: SecretBox): Statement => {
    const value = box.seal(CHECK_CONTEXT, CHECK_CONTEXT);
    const insert = db.insertInto('facts').values({ name: CHECK_FACT, value });
    return toStatement(
      insert.onConflict((one) => one.column('name').doUpdateSet({ value })),
      1,
    );
  };

  async function readFact(name: string): Promise<string | null> {
    const row = await db
      .selectFrom('facts')
      .select('value')
      .where('name', '=', name)
      .executeTakeFirst();
    return row?.value ?? null;
  }

  async function resealRoot(from: SecretBox, to: SecretBox): Promise<Statement[]> {
    const sealed = await readFact(ROOT_FACT);
    if (sealed === null) return [];
    const value = to.seal(from.open(sealed, ROOT_CONTEXT), ROOT_CONTEXT);
    return [toStatement(db.updateTable('facts').set({ value }).where('name', '=', ROOT_FACT), 1)];
  }

  async function resealRoom(
    table: keyof typeof ROOMS_WITH_SECRETS,
    { from, to }: { from: SecretBox; to: SecretBox },
  ): Promise<Statement[]> {
    const rows = await db
      .selectFrom(table)
      .select(['project_id', 'id', 'secrets_sealed'])
      // A deleted one has none left.
      .where('secrets_sealed', '<>', '')
      .execute();
    return rows.map(({ project_id, id, secrets_sealed }) => {
      const context = ROOMS_WITH_SECRETS[table]({ projectId: project_id, id });
      const sealed = to.seal(from.open(secrets_sealed, context), context);
      const update = db.updateTable(table).set({ secrets_sealed: sealed });
      return toStatement(update.where('project_id', '=', project_id).where('id', '=', id), 1);
    });
  }

  async function resealDkimKeys(from: SecretBox, to: SecretBox): Promise<Statement[]> {
    const rows = await db
      .selectFrom('dkim_keys')
      .select(['project_id', 'domain_id', 'selector', 'private_sealed'])
      // A retired one has none left.
      .where('private_sealed', '<>', '')
      .execute();
    return rows.map(({ project_id, domain_id, selector, private_sealed }) => {
      const context = dkimContext({ projectId: project_id, domainId: domain_id, selector });
      const sealed = to.seal(from.open(private_sealed, context), context);
      const update = db
        .updateTable('dkim_keys')
        .set({ private_sealed: sealed })
        .where('project_id', '=', project_id)
        .where('domain_id', '=', domain_id)
        .where('selector', '=', selector);
      return toStatement(update, 1);
    });
  }

  async function resealSecondFactors(from: SecretBox, to: SecretBox): Promise<Statement[]> {
    const rows = await db.selectFrom('users').select(['id', 'totp_sealed']).execute();
    return rows.flatMap(({ id, totp_sealed }) => {
      if (totp_sealed === null) return [];
      const context = totpContext(id);
      const sealed = to.seal(from.open(totp_sealed, context), context);
      return [
        toStatement(db.updateTable('users').set({ totp_sealed: sealed }).where('id', '=', id), 1),
      ];
    });
  }

  async function resealAnswers(
    from: SecretBox,
    to: SecretBox,
    nowMs: number,
  ): Promise<Statement[]> {
    const rows = await db
      .selectFrom('idempotency_keys')
      .select(['project_id', 'key', 'body_sealed'])
      .where('retain_until', '>', nowMs)
      .execute();
    return rows.map(({ project_id, key, body_sealed }) => {
      const context = answerContext({ projectId: project_id, key });
      const sealed = to.seal(from.open(body_sealed, context), context);
      const update = db.updateTable('idempotency_keys').set({ body_sealed: sealed });
      return toStatement(update.where('project_id', '=', project_id).where('key', '=', key), 1);
    });
  }

  return {
    async fits(box) {
      const check = await readFact(CHECK_FACT);
      if (check === null) return null;
      try {
        return box.open(check, CHECK_CONTEXT) === CHECK_CONTEXT;
      } catch {
        return false;
      }
    },
    async root(box, fresh) {
      const value = box.seal(Buffer.from(fresh).toString('base64url'), ROOT_CONTEXT);
      const insert = db.insertInto('facts').values({ name: ROOT_FACT, value });
      const first = toStatement(insert.onConflict((one) => one.column('name').doNothing()));
      const before = await readFact(ROOT_FACT);
      // Of several nodes that start at once, one is the first.
      if (before === null) await engine.commit({ events: [], statements: [first] });
      const sealed = before ?? (await readFact(ROOT_FACT)) ?? value;
      return Buffer.from(box.open(sealed, ROOT_CONTEXT), 'base64url');
    },
    async begin(box) {
      await engine.commit({ events: [], statements: [writeCheck(box)] });
    },
    async reseal({ from, to }, nowMs) {
      const endpoints = await resealRoom('endpoints', { from, to });
      const sources = await resealRoom('sources', { from, to });
      const sinks = await resealRoom('sinks', { from, to });
      const dkimKeys = await resealDkimKeys(from, to);
      const secondFactors = await resealSecondFactors(from, to);
      const answers = await resealAnswers(from, to, nowMs);
      // Nobody asks for them any more, and the new key would not open them.
      const expired = toStatement(
        db.deleteFrom('idempotency_keys').where('retain_until', '<=', nowMs),
      );
      const statements = [
        ...endpoints,
        ...sources,
        ...sinks,
        ...dkimKeys,
        ...secondFactors,
        ...answers,
        ...(await resealRoot(from, to)),
        expired,
        writeCheck(to),
      ];
      await engine.commit({ events: [], statements });
      return {
        endpoints: endpoints.length,
        sources: sources.length,
        sinks: sinks.length,
        dkimKeys: dkimKeys.length,
        secondFactors: secondFactors.length,
        answers: answers.length,
      };
    },
  };
}
