import { findProfile, loadProfiles, saveProfiles } from '../client/profiles.ts';
import type { TableColumn } from '../output/table.ts';
import { defineLocalCommand } from '../program/command-spec.ts';

interface ProfileRow {
  name: string;
  url: string;
  current: boolean;
}

const COLUMNS: readonly TableColumn<ProfileRow>[] = [
  { head: '', text: ({ current }) => (current ? '*' : ' ') },
  { head: 'profile', text: ({ name }) => name },
  { head: 'url', minWidth: 20, text: ({ url }) => url },
];

export const listProfiles = defineLocalCommand<object>({
  name: 'profiles list',
  summary: 'List the saved servers; the one in use has a star.',
  examples: ['posthorn profiles list'],
  async run({ print, world }) {
    const { current, profiles } = loadProfiles(world.env);
    const rows = Object.entries(profiles).map(([name, { url }]) => ({
      name,
      url,
      current: name === current,
    }));
    if (rows.length === 0) print.note('There is no profile yet. "posthorn login" makes one.');
    else print.rows(rows, COLUMNS, true);
    return 0;
  },
});

export const useProfile = defineLocalCommand<object>({
  name: 'profiles use',
  summary: 'Use another saved server from now on.',
  args: ['<name>'],
  json: 'the profile as JSON, without the key',
  examples: ['posthorn profiles use staging'],
  async run({ args: [name = ''], print, world }) {
    const saved = loadProfiles(world.env);
    const { url } = findProfile(saved, name);
    saveProfiles(world.env, { ...saved, current: name });
    print.thing({ profile: name, url }, () => [`Commands ask ${url} from now on.`]);
    return 0;
  },
});

export const removeProfile = defineLocalCommand<object>({
  name: 'profiles remove',
  summary: 'Forget a saved server and its key.',
  args: ['<name>'],
  json: 'what was removed as JSON',
  examples: ['posthorn profiles remove staging'],
  async run({ args: [name = ''], print, world }) {
    const saved = loadProfiles(world.env);
    const { url } = findProfile(saved, name);
    const { [name]: _removed, ...profiles } = saved.profiles;
    saveProfiles(world.env, { current: saved.current === name ? null : saved.current, profiles });
    print.thing({ profile: name, url }, () => [
      `Forgotten: ${url}. The key is still valid there; "posthorn keys revoke" ends it.`,
    ]);
    return 0;
  },
});
