import type { CommandSpec } from '../program/command-spec.ts';
import { login } from './login.ts';
import { listProfiles, removeProfile, useProfile } from './profile-commands.ts';

/** Which server, and with which key: kept in the folder of the user's settings. */
export const ACCOUNT_COMMANDS: readonly CommandSpec[] = [
  login,
  listProfiles,
  useProfile,
  removeProfile,
];
