import type { FastifyRequest } from 'fastify';

/** The value of a cookie; null without one. */
export function readCookie({ headers }: FastifyRequest, wanted: string): string | null {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [name = '', value = ''] = pair.trim().split('=');
    if (name === wanted && value !== '') return value;
  }
  return null;
}
