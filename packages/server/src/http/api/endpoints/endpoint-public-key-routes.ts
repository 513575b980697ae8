import { z } from 'zod';
import { SIGNATURE_KINDS } from '../../../core/webhooks/endpoint-settings.ts';
import {
  importPublicKey,
  isSharedSecret,
  livingKeys,
  publicTextOf,
  toPublicJwk,
} from '../../../core/webhooks/signing-keys.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import { defineRoute, type Route } from '../../route.ts';
import type { EndpointAccess } from './endpoint-access.ts';
import { endpointParam } from './endpoint-fields.ts';

const jwkSchema = z.object({
  kty: z.string().describe('OKP of Ed25519, RSA, EC.'),
  crv: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
  kid: z.string(),
  use: z.literal('sig'),
  alg: z.string(),
});

/**
 * How long a receiver may go without asking again, seconds. What it knows may be as old as that, and
 * a key that was replaced signs for much longer, unless somebody said otherwise.
 */
const JWKS_MAX_AGE = 300;

/** What receivers of key pairs need to verify. Public keys: nothing here has to be kept from anybody. */
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
      summary: 'The public key of an endpoint that signs with a key pair',
      params: endpointParam,
      responses: {
        200: {
          description: 'The current key, in each form that libraries take.',
          schema: z.object({
            key_id: z.string(),
            signature: z.enum(SIGNATURE_KINDS),
            public_key: z
              .string()
              .describe(
                'As receivers of the dialect take it: whpk_... of v1a, else base64 of SPKI, such as the verification key of sendgrid.',
              ),
            pem: z.string().describe('SPKI in PEM.'),
            jwk: jwkSchema,
          }),
        },
      },
      async handle({ projectId, params }) {
        const { secrets } = access.find(projectId, params.id);
        const [key] = secrets.keys;
        if (key === undefined || isSharedSecret(key.kind)) {
          throw new PosthornError(
            'not_found',
            `This endpoint signs with a shared secret (${key?.kind}) and has no public key. For one, where its dialect has it, rotate its secret with {"signature": "v1a"}.`,
          );
        }
        const pem = importPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
        const body = {
          key_id: key.id,
          signature: key.kind,
          public_key: publicTextOf(key) ?? '',
          pem,
          jwk: toPublicJwk(key),
        };
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
        'Every key pair that signs at the moment, after a rotation the old one too. Needs no key, so that receivers can ask by themselves; takes the id, not the uid.',
      params: endpointParam,
      responses: {
        200: {
          description: 'RFC 7517, with keys as in RFC 7518 and RFC 8037.',
          contentType: 'application/jwk-set+json',
          schema: z.object({ keys: z.array(jwkSchema) }),
        },
      },
      async handle({ params }) {
        const found = directory.findAnywhere(params.id);
        const keys = found === null ? [] : directory.secretsOf(found.record).keys;
        const jwks = livingKeys(keys, now()).filter(({ kind }) => !isSharedSecret(kind));
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
