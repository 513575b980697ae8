import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadConfig } from './config/load-config.ts';
import {
  ConfigError,
  SETTINGS,
  type SettingName,
  settingFlag,
  settingKey,
  settingVariable,
} from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const NAMES = Object.keys(SETTINGS) as SettingName[];

let files = 0;
function writeYaml(text: string): string {
  files += 1;
  const file = join(folder, `settings-${files}.yaml`);
  writeFileSync(file, text);
  return file;
}

const fails = (input: Parameters<typeof loadConfig>[0], message: RegExp): void => {
  assert.throws(
    () => loadConfig(input),
    (error) =>
      (error instanceof ConfigError && message.test(error.message)) || assert.fail(String(error)),
  );
};

test('runs without any setting', () => {
  const config = loadConfig({});
  assert.equal(config.port, 8480);
  assert.deepEqual(config.roles, ['api', 'smtp', 'mail', 'dispatch']);
  assert.equal(config.smarthost, null);
  assert.equal(config.endpointNetworks, null);
  assert.deepEqual(config.mailNetworks, []);
  assert.equal(config.maxMessageSize, 25 * 1_048_576);
  assert.equal(config.webhookRetryLadder.length, 9);
  assert.ok(Object.isFrozen(config));
});

test('flags win over variables, which win over the file, which wins over the default', () => {
  const file = writeYaml('port: 1001\nsmtp_port: 1002\nlog_level: warn\n');
  const env = { POSTHORN_PORT: '2001', POSTHORN_SMTP_PORT: '2002', PATH: '/bin', PORT: '9' };
  const config = loadConfig({ file, env, flags: { port: '3001' } });
  assert.deepEqual(
    [config.port, config.smtpPort, config.logLevel, config.host],
    [3001, 2002, 'warn', '127.0.0.1'],
  );
  assert.equal(loadConfig({ env: { POSTHORN_CONFIG: file } }).port, 1001);
  const other = writeYaml('port: 1003\n');
  assert.equal(loadConfig({ env: { POSTHORN_CONFIG: file }, file: other }).port, 1003);
});

test('takes every default, as it is documented, from each of the three places', () => {
  const plain = loadConfig({});
  for (const name of NAMES) {
    const value = SETTINGS[name].default;
    const file = writeYaml(`${settingKey(name)}: ${JSON.stringify(value)}\n`);
    for (const input of [
      { flags: { [name]: value } },
      { env: { [settingVariable(name)]: value } },
      { file },
    ]) {
      assert.deepEqual(loadConfig(input)[name], plain[name], name);
    }
  }
});

test('a file may hold numbers, booleans, lists, comments, and nothing', () => {
  const file = writeYaml(
    '# mail\nsmtp_port: 2626\nsmtp_require_tls: true\nroles: [api, smtp]\nmail_retry_ladder:\n  - 5s\n  - 1m\nmaster_key:\n',
  );
  const config = loadConfig({ file });
  assert.equal(config.smtpPort, 2626);
  assert.equal(config.smtpRequireTls, true);
  assert.deepEqual(config.roles, ['api', 'smtp']);
  assert.deepEqual(config.mailRetryLadder, [5_000, 60_000]);
  assert.equal(config.masterKey, null);
  assert.equal(loadConfig({ file: writeYaml('') }).port, 8480);
  assert.equal(loadConfig({ file: writeYaml('# nothing\n') }).port, 8480);
});

test('an unknown name is refused with the nearest one, wherever it stands', () => {
  fails(
    { env: { POSTHORN_SMPT_PORT: '1' } },
    /POSTHORN_SMPT_PORT .*Did you mean POSTHORN_SMTP_PORT\?/,
  );
  fails({ file: writeYaml('retentoin: 1d\n') }, /retentoin .*Did you mean retention\?/);
  fails({ file: writeYaml('smtpPort: 1\n') }, /smtpPort .*Did you mean smtp_port\?/);
  fails({ env: { POSTHORN_QUITE_SOMETHING_ELSE: '1' } }, /docs\/configuration\.md/);
});

test('a file that cannot be read, or is something else, is refused', () => {
  fails({ file: join(folder, 'missing.yaml') }, /missing\.yaml cannot be read: ENOENT/);
  fails({ file: folder }, /cannot be read/);
  fails({ file: writeYaml('port: [1\n') }, /cannot be read/);
  fails({ file: writeYaml('port: 1\nport: 2\n') }, /cannot be read.*unique/);
  fails({ file: writeYaml('- port\n') }, /"name: value" lines/);
  fails({ file: writeYaml('just text\n') }, /"name: value" lines/);
});

/** For each setting values that it cannot have; `null` where everything can be. */
const BAD: Record<SettingName, readonly string[] | null> = {
  data: ['', ' '],
  host: ['', 'a\nb'],
  port: ['-1', '65536', 'http', '', '80.5', '0x50', '1e3'],
  smtpPort: ['99999', 'smtp'],
  smtpTlsPort: ['-1', '65536', 'smtps'],
  roles: ['', 'api,sender', 'API', 'api,,mail'],
  hostname: ['', 'a\r\nb'],
  apiKey: ['short', 'with a space in it', 'ümlaut-ümlaut'],
  // Checked as they are decoded, in cli/key-material.ts.
  masterKey: null,
  newMasterKey: null,
  logLevel: ['loud', '', 'INFO'],
  logFormat: ['xml', ''],
  apiRate: ['0', '-5', 'fast', '1.5'],
  smarthostTransactional: ['relay.example.com', 'https://relay.example.com'],
  smarthostBroadcast: ['Direct', 'mailgun://:key@api.mailgun.net'],
  mailPools: ['192.0.2.7', 'main=mx.test'],
  mailPoolTransactional: null,
  mailPoolBroadcast: null,
  mailWarmup: ['', 'many', '0'],
  mailMtaSts: ['enforce', ''],
  mailDane: ['opportunistic', ''],
  mailDestinationRate: ['fast', '0/s', '10', '10/d', '-1/s'],
  mailDestinationLimits: ['example.com', 'example.com=0', 'a=1@2', '=5', 'a b=1'],
  mailTranscripts: ['some', '', 'ALL'],
  mailTranscriptRetention: ['0s', 'long', ''],
  // The files are read in cli/key-material.ts.
  smtpTlsKey: null,
  smtpTlsCert: null,
  endpointCa: null,
  smtpRequireTls: ['maybe', '2', '', 'TRUE!'],
  maxMessageSize: ['', 'big', '-1', '1tb', '1.5mb', '10 m'],
  smarthost: ['mail.example.com', 'http://x', 'smtp//x'],
  mailTls: ['yes', ''],
  mailPort: ['0', '65536'],
  mailSourceAddresses: ['localhost', '192.0.2.1,x', '192.0.2.0/24'],
  mailNetworks: ['lan', '10.0.0.0/33', '10.0.0', 'loopback;private'],
  mailRetryLadder: ['', '5x', '1m,,2m', '-5s', Array(51).fill('1s').join(',')],
  mailExpiry: ['', 'never', '0s', '-1d'],
  mailConcurrency: ['0', '10001'],
  mailDestinationConcurrency: ['0', 'many'],
  dnsServers: ['dns.example.com', '9.9.9.9:99999', '1.2.3'],
  endpointNetworks: ['everything', 'fd00::/129'],
  endpointAllowHttp: ['http', ''],
  webhookRetryLadder: ['', '1s;2s', 'often'],
  webhookProxy: ['proxy:3128', 'socks5://proxy:1080', 'ftp://proxy', 'http://proxy/path'],
  webhookNoProxy: ['http://intern.example.com', '10.0.0.0/33', 'a b', 'intern:8080'],
  webhookTimeout: ['0', '0s', 'long'],
  webhookConcurrency: ['0', '10001'],
  webhookIdleConnections: ['0', '100001', 'x'],
  endpointConcurrency: ['0', '1001'],
  queueAlertDepth: ['0', '100001', '1k'],
  queueAlertLag: ['0', 'soon', '-1m'],
  dispatchThreads: ['-1', 'many', '100', '1.5'],
  endpointPatience: ['0', 'forever', '-1d'],
  noticeFrom: ['posthorn', 'a@b@c', 'Posthorn <notices@example.com>', 'a b@example.com'],
  retention: ['0d', 'forever'],
  bodyRetention: ['0s', '7 days'],
  auditRetention: ['0s', '7 days'],
  inboundRate: ['0', 'many', ''],
  inboundUrlExpiry: ['0s', 'soon', ''],
  trackingDomains: ['maybe', ''],
  spfTerm: ['spf.relay.example', 'include:', 'all'],
  oidcIssuer: ['login.example.com', 'http://login.example.com', 'https://login.example.com/?a=1'],
  oidcClientId: null,
  oidcClientSecret: null,
  oidcScopes: ['', ' '],
  oidcRoleClaim: null,
  oidcRoles: ['admins', 'root=admins', 'owner=', 'owner=a,,developer=b'],
  oidcDefaultRole: ['owner', '', 'admin'],
  oidcDomains: ['anna@example.com', 'a b'],
  oidcTrustEmail: ['maybe', ''],
  returnPathDomain: ['bounces@example.com', 'a b', '-', 'a@b@c'],
  returnPathPort: ['-1', '65536', 'smtp', '25.5'],
  postmasterAddress: ['postmaster', 'a@b@c', 'Ops <ops@example.com>'],
  bounceMailbox: [
    'imap.example.com',
    'imaps://imap.example.com',
    'imaps://user@imap.example.com',
    'pop3s://user:password@pop.example.com/Bounces',
    'https://user:password@imap.example.com',
  ],
  bounceMailboxDone: ['', 'a\nb'],
  bounceMailboxEvery: ['0', 'often', '-1m'],
  publicUrl: [
    'posthorn.example.com',
    'ftp://a.example',
    'https://a.example/?x=1',
    'https://u@a.example',
  ],
  databaseUrl: [
    'mysql://h/d',
    'postgres://h',
    'h:5432/d',
    'postgres://h/d?sslmode=prefer',
    'postgres://h/d?sslrootcert=/none&sslmode=verify-full',
    'postgres://h/d?statement_timeout=1',
  ],
  databaseReadUrl: ['http://h/d'],
  databaseListenUrl: ['http://h/d'],
  databasePool: ['0', '3', 'many'],
  storeMaxSize: ['huge', '-1gb'],
  shutdownGrace: ['now', ''],
};

test('a wrong value names its setting and says what to write', () => {
  assert.deepEqual(Object.keys(BAD).sort(), [...NAMES].sort());
  for (const name of NAMES) {
    for (const value of BAD[name] ?? []) {
      for (const [where, input] of [
        [settingFlag(name), { flags: { [name]: value } }],
        [settingVariable(name), { env: { [settingVariable(name)]: value } }],
      ] as const) {
        assert.throws(
          () => loadConfig(input),
          (error) => {
            assert.ok(error instanceof ConfigError, `${where}=${value}: ${error}`);
            assert.ok(error.message.startsWith(`${where}: `), error.message);
            assert.ok(error.message.length > where.length + 15, error.message);
            assert.doesNotMatch(error.message, /\.\.$/);
            return true;
          },
          `${where}=${value} was taken`,
        );
      }
    }
  }
  fails(
    { flags: { roles: 'api,sendmail' } },
    /"sendmail" is no role; did you mean "mail"\?|is no role/,
  );
  fails({ file: writeYaml('port: {a: 1}\n') }, /^port in .*: /);
});

test('does not say secrets that are wrong', () => {
  assert.throws(
    () => loadConfig({ flags: { apiKey: 'my secret key' } }),
    (error) => !String(error).includes('my secret key'),
  );
  for (const rest of ['proxy:99999', 'proxy/path', '', 'proxy:3128?x', '%zz@proxy']) {
    for (const scheme of ['http', 'socks5', 'ftp']) {
      assert.throws(
        () => loadConfig({ flags: { webhookProxy: `${scheme}://mila:s3cret@${rest}` } }),
        (error) => error instanceof ConfigError && !/s3cret|bWlsY/.test(error.message),
      );
    }
  }
});

test('the documentation has each setting in its table, as the server has it', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `\w+` \| `--/.test(line));
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')));
  assert.deepEqual(cells.map(([, name]) => name).sort(), NAMES.map(settingKey).sort());
  for (const name of NAMES) {
    const [, , flag, variable, fallback] = cells.find(([, key]) => key === settingKey(name)) ?? [];
    assert.equal(flag, settingFlag(name));
    assert.equal(variable, settingVariable(name));
    if (name === 'hostname') assert.notEqual(fallback, hostname());
    else assert.equal(fallback, SETTINGS[name].default || 'none', name);
  }
});

describe('DATABASE_URL', () => {
  const env = { DATABASE_URL: 'postgres://posthorn:secret@db.test/posthorn' };

  test('is taken where a PostgreSQL is named by it, and everything else comes before it', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'posthorn-config-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const data = { data: folder };
    assert.equal(loadConfig({ env, flags: data }).databaseUrl, env.DATABASE_URL);
    assert.equal(loadConfig({ flags: data }).databaseUrl, null);
    const other = { DATABASE_URL: 'mysql://root@db.test/shop' };
    assert.equal(loadConfig({ env: other, flags: data }).databaseUrl, null);
    const own = 'postgres://other.test/posthorn';
    const both = { ...env, POSTHORN_DATABASE_URL: own };
    assert.equal(loadConfig({ env: both, flags: data }).databaseUrl, own);
  });

  test('does not make an embedded store look empty, and its password is never shown', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'posthorn-config-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'posthorn.sqlite'), '');
    const flags = { data: folder };
    assert.throws(() => loadConfig({ env, flags }), {
      name: 'ConfigError',
      message: /holds an embedded store\. Unset DATABASE_URL .* or set POSTHORN_DATABASE_URL/,
    });
    const meant = { POSTHORN_DATABASE_URL: env.DATABASE_URL };
    assert.equal(loadConfig({ env: meant, flags }).databaseUrl, env.DATABASE_URL);
    for (const wrong of ['?sslmode=no', '?x=1', '/?sslmode=verify-ca&sslrootcert=/none']) {
      const bad = { POSTHORN_DATABASE_URL: `${env.DATABASE_URL}${wrong}` };
      assert.throws(
        () => loadConfig({ env: bad, flags }),
        (error: Error) => !error.message.includes('secret'),
      );
    }
  });
});
