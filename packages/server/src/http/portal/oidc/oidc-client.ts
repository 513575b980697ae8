import type { Configuration } from 'openid-client';
import type { Claims } from '../../../core/oidc-role.ts';
import { messageOf } from '../../../lib/errors.ts';

/** How this server is known to the provider. */
export interface OidcProvider {
  /** What its discovery document is below (OpenID Connect Discovery 1.0 section 4). */
  issuer: string;
  clientId: string;
  /** Null for a public client, which has none. */
  clientSecret: string | null;
  /** Separated by spaces, `openid` among them. */
  scopes: string;
}

/** Why somebody was not let in by OpenID Connect: the sign-in page has a sentence for each. */
export type OidcReason =
  | 'unreachable'
  | 'refused'
  | 'expired'
  | 'invalid'
  | 'email'
  | 'not_allowed';

/** The message is for the log of the operator. */
export class OidcRefusal extends Error {
  override readonly name = 'OidcRefusal';
  readonly reason: OidcReason;

  constructor(reason: OidcReason, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/** What has to be the same when somebody comes back from the provider. */
export interface BegunSignIn {
  state: string;
  nonce: string;
  /** Of PKCE (RFC 7636): the code is worth nothing without it. */
  verifier: string;
  /** Where the provider sends them back to. */
  redirectUri: string;
}

export interface OidcClient {
  /** Where to send somebody. Throws OidcRefusal. */
  begin(redirectUri: string): Promise<{ url: string; begun: BegunSignIn }>;
  /** Who came back, with what stood behind the `?`. Throws OidcRefusal. */
  finish(search: string, begun: BegunSignIn): Promise<Claims & { sub: string }>;
}

/** For each request to the provider: somebody is looking at an empty page meanwhile. */
const TIMEOUT_SECONDS = 10;
/** Clocks of two servers are rarely the same. */
const TOLERANCE_SECONDS = 30;
/** Providers move their addresses and never say so. */
const DISCOVERY_MS = 3_600_000;

/** The code flow with PKCE, state and nonce (OpenID Connect Core 1.0 section 3.1). */
export function createOidcClient(options: {
  provider: OidcProvider;
  /** Claims without which userinfo is asked too. */
  wanted: readonly string[];
  now: () => number;
}): OidcClient {
  const { provider, now } = options;
  let known: { found: Promise<Configuration>; untilMs: number } | null = null;

  /** Loaded when somebody first signs in so. */
  const load = () => import('openid-client');

  async function discover(): Promise<Configuration> {
    const oidc = await load();
    const { clientSecret } = provider;
    const issuer = new URL(provider.issuer);
    return oidc.discovery(
      issuer,
      provider.clientId,
      { [oidc.clockTolerance]: TOLERANCE_SECONDS },
      clientSecret === null ? oidc.None() : oidc.ClientSecretBasic(clientSecret),
      {
        timeout: TIMEOUT_SECONDS,
        execute: [
          // The code flow would do without, for the token comes by TLS: a signature is checked all the same.
          oidc.enableNonRepudiationChecks,
          // config.ts lets http through for this machine alone.
          ...(issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
        ],
      },
    );
  }

  function findProvider(): Promise<Configuration> {
    if (known !== null && known.untilMs > now()) return known.found;
    const made = { found: discover(), untilMs: now() + DISCOVERY_MS };
    known = made;
    // What failed is tried again by the next one.
    made.found.catch(() => {
      if (known === made) known = null;
    });
    return made.found;
  }

  /** A provider may keep the address or the groups for userinfo (OpenID Connect Core 1.0 section 5.4). */
  async function completeClaims(
    config: Configuration,
    token: string,
    claims: Claims & { sub: string },
  ): Promise<Claims & { sub: string }> {
    const isWhole = options.wanted.every((name) => claims[name] !== undefined);
    if (isWhole || config.serverMetadata().userinfo_endpoint === undefined) return claims;
    const oidc = await load();
    return { ...(await oidc.fetchUserInfo(config, token, claims.sub)), ...claims };
  }

  return {
    async begin(redirectUri) {
      const oidc = await load();
      const config = await findProvider().catch(explain);
      const begun: BegunSignIn = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
        redirectUri,
      };
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: provider.scopes,
        state: begun.state,
        nonce: begun.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(begun.verifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, begun };
    },
    async finish(search, { state, nonce, verifier, redirectUri }) {
      const oidc = await load();
      const back = new URL(redirectUri);
      back.search = search;
      try {
        const config = await findProvider();
        const tokens = await oidc.authorizationCodeGrant(config, back, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims === undefined) throw new OidcRefusal('invalid', 'There is no ID token.');
        return await completeClaims(config, tokens.access_token, claims);
      } catch (error) {
        return explain(error);
      }
    },
  };
}

/** The library's codes for an answer that did not come, or was none of a provider. */
const NO_ANSWER = new Set<unknown>([
  'OAUTH_TIMEOUT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
]);

/** The library's errors have codes and causes: which are the network's, which the provider's, which a lie? */
function explain(error: unknown): never {
  if (error instanceof OidcRefusal) throw error;
  const { name, code, cause } = error as { name?: unknown; code?: unknown; cause?: unknown };
  const message =
    cause instanceof Error ? `${messageOf(error)}: ${cause.message}` : messageOf(error);
  const options = { cause: error };
  if (name === 'AuthorizationResponseError') throw new OidcRefusal('refused', message, options);
  // What fetch itself throws (names, refused connections, TLS) is a TypeError.
  const isNetwork = NO_ANSWER.has(code) || cause instanceof TypeError;
  throw new OidcRefusal(isNetwork ? 'unreachable' : 'invalid', message, options);
}
