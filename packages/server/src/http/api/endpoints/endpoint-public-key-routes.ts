import { importVerifier, publicKeyOf } from '@posthorn/sdk';
import { z } from 'zod';
import { livingKeys, toPublicJwk } from '../../../core/signing-keys.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import type { EndpointAccess } from './endpoint-access.ts';
import { endpointParam } from './endpoint-fields.ts';

const jwkSchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string(),
  use: z.literal('sig'),
  alg: z.literal('EdDSA'),
});

/**
 * How long a receiver may go without asking again, seconds. What it knows may be as old as that, and
 * a key that was replaced signs for much longer, unless somebody said otherwise.
 */
const JWKS_MAX_AGE = 300;

/** What receivers of v1a need to verify. Public keys: nothing here has to be kept from anybody. */
export function createEndpointPublicKeyRoutes(deps: {
  access: EndpointAccess;
  directory: Pick<EndpointDirectory, 'findAnywhere' | 'secretsOf'>;
  now: () => number;
}): Route[] {
  const { access, directory, now } = deps;
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/endpoints/{id}/public-key',
      auth: 'read',
      group: 'Endpoints',
      summary: 'The public key of an endpoint that signs with Ed25519',
      params: endpointParam,
      responses: {
        200: {
          description: 'The current key, in each form that libraries take.',
          schema: z.object({
            key_id: z.string(),
            public_key: z.string().describe('As Standard Webhooks writes it: whpk_...'),
            pem: z.string().describe('SPKI in PEM.'),
            jwk: jwkSchema,
          }),
        },
      },
      async handle({ projectId, params }) {
        const { secrets } = access.find(projectId, params.id);
        const [key] = secrets.keys;
        if (key?.kind !== 'v1a') {
          throw new PosthornError(
            'not_found',
            'This endpoint signs with a shared secret (v1) and has no public key. For one, rotate its secret with {"signature": "v1a"}.',
          );
        }
        const publicKey = publicKeyOf(key.secret);
        const pem = importVerifier(publicKey).export({ type: 'spki', format: 'pem' }).toString();
        const body = { key_id: key.id, public_key: publicKey, pem, jwk: toPublicJwk(key) };
        return { status: 200, body };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/endpoints/{id}/jwks.json',
      auth: 'none',
      group: 'Endpoints',
      summary: 'The public keys of an endpoint as JWKS',
      description:
        'Every Ed25519 key that signs at the moment, after a rotation the old one too. Needs no key, so that receivers can ask by themselves; takes the id, not the uid.',
      params: endpointParam,
      responses: {
        200: {
          description: 'RFC 7517, with keys as in RFC 8037.',
          contentType: 'application/jwk-set+json',
          schema: z.object({ keys: z.array(jwkSchema) }),
        },
      },
      async handle({ params }) {
        const found = directory.findAnywhere(params.id);
        const keys = found === null ? [] : directory.secretsOf(found.record).keys;
        const jwks = livingKeys(keys, now()).filter(({ kind }) => kind === 'v1a');
        // The same answer for both, so that nobody learns here which ids there are.
        if (jwks.length === 0) {
          throw new PosthornError('not_found', 'There is no endpoint with public keys here.');
        }
        return {
          status: 200,
          body: JSON.stringify({ keys: jwks.map(toPublicJwk) }),
          headers: {
            'content-type': 'application/jwk-set+json',
            'cache-control': `public, max-age=${JWKS_MAX_AGE}`,
          },
        };
      },
    }),
  ];
}
