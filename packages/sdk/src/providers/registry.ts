// A table: every provider. A new one is its file and a line here.
import { ahasend } from './ahasend.ts';
import { azure } from './azure.ts';
import { brevo } from './brevo.ts';
import { cloudevents } from './cloudevents.ts';
import { customerio } from './customerio.ts';
import type { Dialect } from './dialects/dialect.ts';
import { elasticemail } from './elasticemail.ts';
import { flexmail } from './flexmail.ts';
import { frontengine } from './frontengine.ts';
import { generic } from './generic.ts';
import { mailchannels } from './mailchannels.ts';
import { mailersend } from './mailersend.ts';
import { mailfloss } from './mailfloss.ts';
import { mailgun } from './mailgun.ts';
import { mailjet } from './mailjet.ts';
import { mailomat } from './mailomat.ts';
import { mailtrap } from './mailtrap.ts';
import { mandrill } from './mandrill.ts';
import { postal } from './postal.ts';
import { postmark } from './postmark.ts';
import type { Provider } from './provider.ts';
import { resend } from './resend.ts';
import { scaleway } from './scaleway.ts';
import { sendarix } from './sendarix.ts';
import { sendgrid } from './sendgrid.ts';
import { ses } from './ses.ts';
import { isTransportSecret } from './shared/verify/transport-secrets.ts';
import { sparkpost } from './sparkpost.ts';
import { standard } from './standard.ts';
import { sweego } from './sweego.ts';
import { unisender } from './unisender.ts';

export const PROVIDERS: readonly Provider[] = [
  sendgrid,
  mailgun,
  postmark,
  ses,
  resend,
  brevo,
  mandrill,
  sparkpost,
  mailchannels,
  postal,
  frontengine,
  flexmail,
  sendarix,
  mailfloss,
  mailjet,
  mailtrap,
  mailersend,
  elasticemail,
  customerio,
  scaleway,
  azure,
  unisender,
  mailomat,
  sweego,
  ahasend,
  standard,
  cloudevents,
  generic,
];

/** The formats in which events of ours can be sent, by the provider's name. */
export const DIALECTS: ReadonlyMap<string, Dialect> = new Map(
  PROVIDERS.flatMap(({ name, dialect }) => (dialect === undefined ? [] : [[name, dialect]])),
);

/** By its name or one of its other names, in any case. */
export function findProvider(name: string): Provider | undefined {
  const wanted = name.trim().toLowerCase();
  return PROVIDERS.find((one) => one.name === wanted || one.aliases.includes(wanted));
}

/**
 * Throws WebhookError `invalid_secret` for a text that can be no secret of this provider. One of those
 * among several would make every webhook fail.
 */
export function checkProviderSecret(provider: Provider, secret: string): void {
  if (!isTransportSecret(secret)) provider.checkSecret?.(secret);
}
