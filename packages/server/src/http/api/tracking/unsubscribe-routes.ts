import type { z } from 'zod';
import type { UnsubscribeRef, Unsubscriber } from '../../../mail/tracking/unsubscriber.ts';
import { defineRoute, type RawRequest, type Route, type RouteAnswer } from '../../route.ts';
import { readReader } from './read-reader.ts';
import { renderUnsubscribePage } from './unsubscribe-page.ts';
import { chooseLanguage } from './unsubscribe-texts.ts';

/** A form of a few words; providers send no more. */
const MAX_FORM_BYTES = 16_384;

/** No script, nothing from elsewhere, in nobody's frame; the form comes back here. */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  vary: 'Accept-Language',
};

/**
 * The page behind List-Unsubscribe, and what mail programs post to it (RFC 8058). Looking at it changes
 * nothing: scanners follow every link.
 */
export function createUnsubscribeRoutes<P extends z.ZodType<{ token: string }>>(deps: {
  unsubscriber: Unsubscriber;
  /** Throws `not_found`. */
  read: (params: { token: string }) => UnsubscribeRef;
  params: P;
  headers: Record<string, string>;
}): Route[] {
  const { unsubscriber } = deps;

  async function showPage(ref: UnsubscribeRef, raw: RawRequest): Promise<RouteAnswer> {
    const body = renderUnsubscribePage({
      language: chooseLanguage(raw.headers['accept-language']),
      address: ref.recipient,
      sender: ref.from.slice(ref.from.lastIndexOf('@') + 1),
      hasLeft: await unsubscriber.hasLeft(ref),
      isBroadcast: ref.stream === 'broadcast',
    });
    const headers = { ...deps.headers, ...PAGE_HEADERS };
    return { status: 200, body: raw.method === 'HEAD' ? '' : body, headers };
  }

  const shared = {
    path: '/t/u/{token}',
    auth: 'none',
    group: 'Tracking',
    params: deps.params,
    raw: { admit() {} },
  } as const;
  const unknown = { 404: { description: 'not_found: the token is not one of ours.' } };
  const page = {
    description: 'The page, in the language of the reader.',
    contentType: 'text/html',
  };

  return [
    defineRoute({
      ...shared,
      method: 'GET',
      summary: 'The page to unsubscribe',
      description: 'For recipients: no login, no script. It asks; it does nothing by itself.',
      responses: { 200: page, ...unknown },
      async handle({ params, raw }) {
        return showPage(deps.read(params), expectRaw(raw));
      },
    }),
    defineRoute({
      ...shared,
      method: 'POST',
      summary: 'Unsubscribe, or subscribe again',
      description:
        'For mail programs, which post List-Unsubscribe=One-Click (RFC 8058), and for the form of the page. Tells of email.unsubscribed or email.resubscribed, from which the suppression list follows.',
      bodyLimit: MAX_FORM_BYTES,
      responses: { 200: page, ...unknown, 413: { description: 'too_large' } },
      async handle({ params, raw: given }) {
        const raw = expectRaw(given);
        const ref = deps.read(params);
        const wish = readWish(raw);
        if (wish === 'resubscribe') await unsubscriber.comeBack(ref, readReader(raw));
        else if (wish !== null) await unsubscriber.leave(ref, wish, readReader(raw));
        return showPage(ref, raw);
      },
    }),
  ];
}

/** Null: the body says neither, and nothing is done. */
function readWish({ headers, body }: RawRequest): 'one-click' | 'link' | 'resubscribe' | null {
  const text = Buffer.from(body).toString('latin1');
  if (/^multipart\/form-data\b/i.test(headers['content-type'] ?? '')) {
    // RFC 8058 3.2 lets it come so too; the one field has the one value.
    const isOneClick = /name="?List-Unsubscribe"?.*?\r?\n\r?\n\s*One-Click\s*\r?\n/is.test(text);
    return isOneClick ? 'one-click' : null;
  }
  const form = new URLSearchParams(text.trim());
  if (form.get('List-Unsubscribe') === 'One-Click') return 'one-click';
  const action = form.get('action');
  return action === 'unsubscribe' ? 'link' : action === 'resubscribe' ? action : null;
}

function expectRaw(raw: RawRequest | null): RawRequest {
  if (raw === null) throw new Error('A tracking route is a raw one.');
  return raw;
}
