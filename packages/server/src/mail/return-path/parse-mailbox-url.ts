/** Where a mailbox is, and who may read it. */
export interface MailboxPlace {
  protocol: 'imap' | 'pop3';
  host: string;
  port: number;
  /** TLS from the start; else STARTTLS (STLS), which `requireTls` insists on. */
  secure: boolean;
  requireTls: boolean;
  user: string;
  pass: string;
  /** INBOX with POP3, which has no other. */
  folder: string;
}

const PORTS = { imap: { secure: 993, plain: 143 }, pop3: { secure: 995, plain: 110 } };

/**
 * `imaps://user:password@imap.example.com/Folder` (port 993) or `imap://` (port 143, STARTTLS); without a
 * folder, INBOX. `pop3s://user:password@pop.example.com` (port 995) or `pop3://` (port 110, STLS). A user such as `bounces@example.com` is written `bounces%40example.com`. The password goes
 * out over verified TLS only, unless the host is this machine or the URL says `?require_tls=false`. Throws
 * an Error that says what is wrong.
 */
export function parseMailboxUrl(text: string): MailboxPlace {
  const wanted = 'Write it as imaps://user:password@imap.example.com/INBOX';
  if (!URL.canParse(text)) throw new Error(`this is not a URL. ${wanted}`);
  const url = new URL(text);
  const [, name, secured] = /^(imap|pop3)(s?):$/.exec(url.protocol) ?? [];
  if (name === undefined) {
    throw new Error(
      `it begins with imaps://, imap://, pop3s:// or pop3://, not ${url.protocol}//. ${wanted}`,
    );
  }
  if (url.hostname === '' || url.username === '' || url.password === '') {
    throw new Error(`it needs a host, a user and a password. ${wanted}`);
  }
  const protocol = name === 'pop3' ? 'pop3' : 'imap';
  const secure = secured === 's';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  const asked = url.searchParams.get('require_tls');
  const folder = decode(url.pathname.slice(1));
  if (protocol === 'pop3' && folder !== '')
    throw new Error('POP3 has no folders: leave out the path');
  return {
    protocol,
    host,
    port: url.port === '' ? PORTS[protocol][secure ? 'secure' : 'plain'] : Number(url.port),
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
