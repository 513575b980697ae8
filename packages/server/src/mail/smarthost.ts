import type { Smarthost } from '../smtp/client/find-route.ts';

/**
 * `smtp://user:password@host:587` (STARTTLS where offered), `smtps://host` (TLS from the start, 465);
 * `?require_tls=true` and `?verify=false` as one would expect. Throws an Error that says what is wrong.
 */
export function parseSmarthost(text: string): Smarthost {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(
      'smarthost is not a URL. Write it as smtp://user:password@mail.example.com:587.',
    );
  }
  if (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') {
    throw new Error(`smarthost begins with smtp:// or smtps://, not ${url.protocol}//.`);
  }
  const secure = url.protocol === 'smtps:';
  const flag = (name: string): boolean | undefined => {
    const value = url.searchParams.get(name);
    return value === null ? undefined : value === 'true' || value === '1';
  };
  const requireTls = flag('require_tls');
  const verify = flag('verify');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 25) : Number(url.port),
    secure,
    ...(url.username === ''
      ? {}
      : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }),
    ...(requireTls === undefined ? {} : { requireTls }),
    ...(verify === undefined ? {} : { verify }),
  };
}
