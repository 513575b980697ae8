import { toShortTime } from '../output/table.ts';
import { defineCommand, option } from '../program/command-spec.ts';
import { given } from '../program/values.ts';
import { endpointPath, renderSecret } from './endpoint-view.ts';

interface Rotated {
  keys: { id: string; expires_at: string | null }[];
  secret: string | null;
}

export const rotateEndpoint = defineCommand<{ overlap?: string }>({
  name: 'endpoints rotate',
  summary: 'Replace the secret of an endpoint; both sign for a while.',
  args: ['<id>'],
  options: [
    option('--overlap <duration>', 'for how long the old one still signs too, such as 24h'),
  ],
  json: "the server's answer as JSON, with the secret",
  examples: ['posthorn endpoints rotate orders --overlap 24h'],
  async run({ args: [id], client, options, print }) {
    const path = `${endpointPath(id)}/secret/rotate`;
    const rotated = await client.post<Rotated>(path, given({ overlap: options.overlap }));
    print.thing(rotated, () => [
      ...rotated.keys.flatMap(({ id: key, expires_at }) =>
        expires_at === null ? [] : [`${key} signs until ${toShortTime(expires_at)}.`],
      ),
      ...renderSecret(rotated.secret),
    ]);
    return 0;
  },
});
