import { ConfigError } from '../../config.ts';
import { ApiError, createApiClient } from '../client/api-client.ts';
import { checkSettings, DEFAULT_URL, readKey, trimUrl } from '../client/client-settings.ts';
import {
  checkProfileName,
  loadProfiles,
  type Profile,
  profilesFile,
  saveProfiles,
} from '../client/profiles.ts';
import { type Call, defineLocalCommand, option } from '../program/command-spec.ts';
import type { World } from '../program/world.ts';
import { isLoopback } from '../receiver/webhook/command-url.ts';

interface Options {
  url?: string;
  key?: string;
  check: boolean;
}

const USUAL_NAME = 'default';

/** `posthorn login`: asks for URL and key, tries them, and keeps both for the commands to come. */
export const login = defineLocalCommand<Options>({
  name: 'login',
  summary: 'Save the URL and the API key of a server, and use it from now on.',
  args: ['[name]'],
  options: [
    option('--url <url>', `where the server is (default: ${DEFAULT_URL})`),
    option('--key <key>', 'API key; @FILE reads it (default: asked for, or standard input)'),
    option('--no-check', 'save them without asking the server'),
  ],
  json: 'what was saved as JSON, without the key',
  examples: [
    'posthorn login',
    'posthorn login staging --url https://staging.example.com --key @key.txt',
  ],
  async run({ args: [name = USUAL_NAME], options, print, world }: Call<Options>) {
    checkProfileName(name);
    const saved = loadProfiles(world.env);
    const profile = await readProfile(options, world);
    warnOfPlainHttp(profile.url, print.note);
    if (options.check) await tryKey(profile);
    saveProfiles(world.env, {
      current: name,
      profiles: { ...saved.profiles, [name]: profile },
    });
    print.thing({ profile: name, url: profile.url, file: profilesFile(world.env) }, () => [
      `Saved as "${name}": ${profile.url}. Commands use it from now on; the key is in ${profilesFile(world.env)}.`,
    ]);
    return 0;
  },
});

async function readProfile(options: Options, world: World): Promise<Profile> {
  const { ask } = world;
  const typed = options.url ?? (await ask?.(`URL of the server [${DEFAULT_URL}]: `)) ?? '';
  const url = trimUrl(typed === '' ? DEFAULT_URL : typed);
  const key =
    options.key !== undefined
      ? readKey(options.key)
      : ask !== null
        ? await ask('API key (not shown): ', true)
        : Buffer.from(await world.readInput())
            .toString('utf8')
            .trim();
  if (key === '') {
    throw new ConfigError(
      'There is no API key: type it, give it on standard input, or as --key @FILE. The first start of a server prints one.',
    );
  }
  return checkSettings({ url, key, from: '--url' });
}

function warnOfPlainHttp(url: string, note: (text: string) => void): void {
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' || isLoopback(parsed)) return;
  note(`Warning: with http the key goes over the network as it is. Use https for ${parsed.host}.`);
}

/** Throws ApiError when the server does not know the key. */
async function tryKey(profile: Profile): Promise<void> {
  try {
    await createApiClient({ ...profile, from: 'login' }).get('/v1/messages?limit=1');
  } catch (error) {
    // A key that may only send is a good key.
    if (!(error instanceof ApiError) || error.code !== 'missing_scope') throw error;
  }
}
