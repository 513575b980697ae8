import { STREAM_DESCRIPTIONS, STREAMS } from '../../../core/mail/streams.ts';
import { defaultsOfStream } from '../../../core/project-settings.ts';
import type { ProjectDirectory } from '../../../store/project-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import { streamList } from './stream-schema.ts';

export function createStreamRoutes({
  projects,
}: {
  projects: Pick<ProjectDirectory, 'settingsOf'>;
}): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/streams',
      auth: 'read',
      group: 'Messages',
      summary: 'List the streams',
      description:
        'What messages can be for, and what holds for mail of each where it says nothing itself. PATCH /v1/projects/{id} changes it (sending.streams).',
      responses: { 200: { description: 'The streams.', schema: streamList } },
      async handle({ projectId }) {
        const { sending } = projects.settingsOf(projectId);
        const data = STREAMS.map((name) => {
          const defaults = defaultsOfStream(sending, name);
          return {
            name,
            description: STREAM_DESCRIPTIONS[name],
            track_opens: defaults.trackOpens,
            track_clicks: defaults.trackClicks,
            track_text_links: defaults.trackTextLinks,
            unsubscribe_page: defaults.unsubscribePage,
            require_unsubscribe: sending.streams[name].requireUnsubscribe,
          };
        });
        return { status: 200, body: { data } };
      },
    }),
  ];
}
