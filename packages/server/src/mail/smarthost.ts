import type { Smarthost } from '../smtp/client/find-route.ts';

/**
 * `smtp://host` (port 25, STARTTLS where offered), `smtp://user:password@host` (port 587),
 * `smtps://host` (TLS from the start, port 465); `?require_tls=` and `?verify=` as one would expect.
 * A password goes out over verified TLS only, unless the host is this machine or the URL says
 * `?require_tls=false`. Throws an Error that says what is wrong.
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
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const hasLogin = url.username !== '';
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  const requireTls = flag('require_tls') ?? (hasLogin && !secure && !isLocal ? true : undefined);
  const verify = flag('verify');
  return {
    host,
    port: url.port === '' ? defaultPort(secure, hasLogin) : Number(url.port),
    secure,
    ...(!hasLogin
      ? {}
      : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }),
    ...(requireTls === undefined ? {} : { requireTls }),
    ...(verify === undefined ? {} : { verify }),
  };
}

/** RFC 8314 3.3 and RFC 6409: submission has ports of its own; relaying without a login is port 25. */
function defaultPort(secure: boolean, hasLogin: boolean): number {
  if (secure) return 465;
  return hasLogin ? 587 : 25;
}
