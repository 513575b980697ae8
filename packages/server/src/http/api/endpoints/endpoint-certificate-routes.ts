import { z } from 'zod';
import { certificateOf } from '../../../core/webhooks/signing-certificate.ts';
import { livingKeys } from '../../../core/webhooks/signing-keys.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';

/** The certificates that posts in the dialect ses name as their SigningCertURL. */
export function createEndpointCertificateRoutes(deps: {
  directory: Pick<EndpointDirectory, 'findAnywhere' | 'secretsOf'>;
  now: () => number;
}): Route[] {
  const { directory, now } = deps;
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/endpoints/{id}/certificates/{file}',
      auth: 'none',
      group: 'Endpoints',
      summary: 'The certificate of an RSA key',
      description:
        'Self-signed, in PEM: what posts in the dialect ses name as SigningCertURL. Needs no key, so that receivers can ask by themselves.',
      params: z.object({
        id: z.string().max(200).describe('The id of the endpoint, not its uid.'),
        file: z.string().max(200).describe('The id of the key and .pem.'),
      }),
      responses: {
        200: { description: 'X.509 in PEM.', contentType: 'application/x-pem-file' },
      },
      async handle({ params }) {
        const found = directory.findAnywhere(params.id);
        const keys = found === null ? [] : directory.secretsOf(found.record).keys;
        const key = livingKeys(keys, now()).find(
          ({ id, kind }) => kind === 'rsa' && `${id}.pem` === params.file,
        );
        // The same answer for both, so that nobody learns here which ids there are.
        if (key === undefined)
          throw new PosthornError('not_found', 'There is no such certificate.');
        return {
          status: 200,
          body: certificateOf(key),
          headers: {
            'content-type': 'application/x-pem-file',
            'cache-control': 'public, max-age=86400',
          },
        };
      },
    }),
  ];
}
