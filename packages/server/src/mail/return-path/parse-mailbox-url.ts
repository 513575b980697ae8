/** Where a mailbox is, and who may read it. */
export interface MailboxPlace {
  host: string;
  port: number;
  /** TLS from the start; else STARTTLS, which `requireTls` insists on. */
  secure: boolean;
  requireTls: boolean;
  user: string;
  pass: string;
  folder: string;
}

/**
 * `imaps://user:password@imap.example.com/Folder` (port 993) or `imap://` (port 143, STARTTLS); without a
 * folder, INBOX. A user such as `bounces@example.com` is written `bounces%40example.com`. The password goes
 * out over verified TLS only, unless the host is this machine or the URL says `?require_tls=false`. Throws
 * an Error that says what is wrong.
 */
export function parseMailboxUrl(text: string): MailboxPlace {
  const wanted = 'Write it as imaps://user:password@imap.example.com/INBOX';
  if (!URL.canParse(text)) throw new Error(`this is not a URL. ${wanted}`);
  const url = new URL(text);
  if (/^pop3?s?:$/.test(url.protocol)) throw new Error(`POP3 is not supported. ${wanted}`);
  if (url.protocol !== 'imap:' && url.protocol !== 'imaps:') {
    throw new Error(`it begins with imaps:// or imap://, not ${url.protocol}//. ${wanted}`);
  }
  if (url.hostname === '' || url.username === '' || url.password === '') {
    throw new Error(`it needs a host, a user and a password. ${wanted}`);
  }
  const secure = url.protocol === 'imaps:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  const asked = url.searchParams.get('require_tls');
  const folder = decode(url.pathname.slice(1));
  return {
    host,
    port: url.port === '' ? (secure ? 993 : 143) : Number(url.port),
    secure,
    requireTls: asked === null ? !isLocal : asked === 'true' || asked === '1',
    user: decode(url.username),
    pass: decode(url.password),
    folder: folder === '' ? 'INBOX' : folder,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error('a % that stands for itself is encoded as %25');
  }
}
