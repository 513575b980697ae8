import { fileURLToPath } from 'node:url';
import {
  findMissingPackages,
  installSystemPackages,
  SYSTEM_PACKAGES,
} from '../../scripts/system-packages.ts';

const NEEDED = ['postgresql', 'redis-server'];

/** The servers that the peers run on: installs what is missing, where that can be done, or says so. */
export function installPeerPackages(): void {
  const bench = fileURLToPath(new URL('../peers.ts', import.meta.url));
  const wanted = SYSTEM_PACKAGES.filter(({ name }) => NEEDED.includes(name));
  const entries = wanted.map((entry) => ({ ...entry, neededBy: /peers/ }));
  installSystemPackages(findMissingPackages([bench], entries), console.log);
}
