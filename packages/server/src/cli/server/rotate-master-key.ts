import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../config/load-config.ts';
import { type Config, ConfigError, type SettingName } from '../../config.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { createSecretBox } from '../../lib/secrets/secret-box.ts';
import { refuseHalfMoved } from '../../store/move/move-state.ts';
import { createNodes, type Nodes } from '../../store/nodes.ts';
import { openEngine } from '../../store/open-engine.ts';
import { createSealedValues, type SealedValues } from '../../store/sealed-values.ts';
import { DATABASE_FILE } from '../../store/sqlite/data-directory.ts';
import { loadMasterKeys, type MasterKeys, prepareMasterKey } from '../key-material.ts';
import { findFittingKey, WRONG_KEY } from '../select-master-key.ts';

/** Three beats of a node (nodes/membership.ts): one that runs has made at least one of them. */
const WATCH_MS = 3_000;

/**
 * `posthorn rotate-master-key`, while the server is stopped: seals every secret in the store with a new
 * master key. Resolves with the exit code.
 *
 * The new key is on disk before anything is sealed with it, everything is sealed in one commit, and
 * then the key takes the old one's place. After a crash at any point the start finds out which of the
 * two fits (select-master-key.ts), and so does this command when it is run again.
 */
export async function rotateMasterKey(input: {
  flags: Partial<Record<SettingName, string>>;
  file?: string;
}): Promise<number> {
  try {
    const config = loadConfig({ ...input, env: process.env });
    process.stdout.write(`${await rotate(config)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`posthorn: ${messageOf(error)}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

/** Says what was done, and what is left to do. Throws ConfigError, or what is wrong with the store. */
export async function rotate(config: Config): Promise<string> {
  if (config.databaseUrl === null && !existsSync(join(config.data, DATABASE_FILE))) {
    throw new ConfigError(
      `data: there is no store in ${config.data}. Name its folder with --data.`,
    );
  }
  const keys = loadMasterKeys(config);
  // The lock on the folder of an embedded store refuses while a server runs.
  const engine = await openEngine(config, systemClock);
  try {
    await refuseHalfMoved(engine);
    if (engine.shared) await refuseWhileNodesRun(createNodes(engine));
    return await resealWith(createSealedValues(engine), config, keys);
  } finally {
    await engine.close();
  }
}

/** A node that runs counts its beats up; one that was killed stays on the list as it was. */
async function refuseWhileNodesRun(nodes: Pick<Nodes, 'list'>): Promise<void> {
  const before = new Map((await nodes.list()).map(({ id, beat }) => [id, beat]));
  if (before.size === 0) return;
  await new Promise<void>((resolve) => systemClock.after(WATCH_MS, resolve));
  const running = (await nodes.list()).filter(({ id, beat }) => before.get(id) !== beat);
  if (running.length === 0) return;
  const names = running.map(({ host, pid }) => `${host} (process ${pid})`).join(', ');
  throw new Error(`Posthorn runs on this database: ${names}. Stop all of its nodes first.`);
}

async function resealWith(sealed: SealedValues, config: Config, keys: MasterKeys): Promise<string> {
  const nowMs = systemClock.now();
  const fit = await findFittingKey(sealed, keys);
  if (fit === 'neither') throw new Error(WRONG_KEY);
  if (fit === 'next' && keys.nextMasterKey !== null) {
    const todo = keys.nextMasterKey.adopt(nowMs);
    return `An earlier rotation had sealed the store with the new key and was cut short; it is done now. ${todo}`;
  }
  const next = prepareMasterKey(config);
  if (Buffer.from(next.key).equals(keys.masterKey)) {
    throw new ConfigError(
      'The new master key is the old one. Give another: "openssl rand -base64 32".',
    );
  }
  const boxes = { from: createSecretBox(keys.masterKey), to: createSecretBox(next.key) };
  const { endpoints, sources, dkimKeys, secondFactors, answers } = await sealed.reseal(
    boxes,
    nowMs,
  );
  const todo = next.adopt(nowMs);
  return `Sealed with the new master key: the secrets of endpoints (${endpoints}) and sources (${sources}), keys of DKIM (${dkimKeys}), second factors (${secondFactors}), remembered answers (${answers}). ${todo}`;
}
