import { z } from 'zod';
import { checkEnvelopeAddress } from '../../../smtp/check-envelope-address.ts';
import { defineRoute, type Route } from '../../route.ts';
import { refuseField } from '../filters.ts';
import { addressLine } from '../schemas.ts';
import { jobSchema } from './job-json.ts';
import { type JobDeps, startJob } from './start-job.ts';

export function createErasureRoutes(deps: JobDeps): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/erasures',
      auth: 'manage',
      group: 'Jobs',
      summary: 'Erase a recipient',
      description:
        'Removes a person from everything that is stored of the project: events, messages, states, and what endpoints answered. Mail that is queued for the address is not sent any more, and its events are no longer owed. It cannot be undone. What remains is in docs/privacy.md: backups, above all.',
      body: z.strictObject({
        recipient: addressLine().describe('The address of the person.'),
      }),
      responses: { 202: { description: 'The job that does it.', schema: jobSchema } },
      async handle({ projectId, body, remember }) {
        const checked = checkEnvelopeAddress(body.recipient.trim(), true);
        if (!checked.ok) refuseField('/recipient', `This is no address: ${checked.message}.`);
        const params = { recipient: checked.address };
        const asked = {
          kind: 'erase',
          projectId,
          params,
          ratePerSecond: null,
          total: null,
        } as const;
        return startJob(deps, asked, remember);
      },
    }),
  ];
}
