import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { systemClock } from '../../lib/clock.ts';
import { openEngine } from '../../store/open-engine.ts';
import { createSealedValues } from '../../store/sealed-values.ts';
import { loadMasterKeys } from '../key-material.ts';
import { findFittingKey } from '../select-master-key.ts';

/** `missing`: nobody has said the key yet. `unused`: there is nothing sealed in the store. */
export type MasterKeyState = 'fits' | 'unused' | 'missing' | 'wrong';

/** Whether the master key of the settings, or the file of the folder, opens what the store has sealed. */
export async function checkMasterKey(config: Config): Promise<MasterKeyState> {
  if (config.masterKey === null && !existsSync(join(config.data, 'master.key'))) return 'missing';
  const keys = loadMasterKeys(config);
  const engine = await openEngine(config, systemClock);
  try {
    const fit = await findFittingKey(createSealedValues(engine), keys);
    return fit === 'neither' ? 'wrong' : fit === 'unused' ? 'unused' : 'fits';
  } finally {
    await engine.close();
  }
}
