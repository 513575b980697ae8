import { WebhookError } from '../../../errors.ts';
import type {
  HandshakeAnswer,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from '../../provider.ts';
import { parse } from '../build/build-event.ts';
import { type Fields, fields, isFields, lookUp, text } from '../read/fields.ts';
import { readJson, textOf } from '../read/request-body.ts';
import { importPublicKeys, isSignedBy } from './public-keys.ts';
import { badSignature, requireSecrets } from './signatures.ts';

/**
 * The envelope of Amazon SNS, which Scaleway's Topics and Events speak too
 * (docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html). It comes as text/plain.
 *
 * Secrets are the ARNs of the topics that are allowed: Amazon signs for every topic of everybody, so
 * a valid signature alone proves little. A certificate (PEM) may stand among them; then none is fetched.
 */

export interface SnsHosts {
  /** Where certificates may be fetched from: the whole URL. */
  certificate: RegExp;
  /** Where a subscription may be confirmed: the whole URL. */
  subscribe: RegExp;
}

/** Signed fields in their order; `Subject` only where there is one. */
const SIGNED_FIELDS: Readonly<Record<string, readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    'Message',
    'MessageId',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type',
  ],
  UnsubscribeConfirmation: [
    'Message',
    'MessageId',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type',
  ],
};

export interface SnsBody {
  /** `null` where the message came without an envelope (raw delivery, EventBridge). */
  envelope: Fields | null;
  /** What `Message` holds: an object where it is JSON, else the text. */
  message: unknown;
}

/** Throws `invalid_payload`. */
export function readSns(request: ProviderRequest): SnsBody {
  const body = fields(readJson(request));
  if (text(body['Type']) === null || !('TopicArn' in body))
    return { envelope: null, message: body };
  const written = typeof body['Message'] === 'string' ? body['Message'] : '';
  const parsed = parse(written);
  return { envelope: body, message: isFields(parsed) ? parsed : written };
}

/** Throws `missing_signature`, `bad_signature`, `untrusted_key`, `topic_not_allowed` and what keys throw. */
export async function verifySns(
  request: ProviderRequest,
  context: VerifyContext,
  hosts: SnsHosts,
  secrets: readonly string[],
): Promise<VerifyResult> {
  const given = requireSecrets(secrets, 'the ARN of the topic');
  const { envelope } = readSns(request);
  const type = text(envelope?.['Type']) ?? '';
  const signature = text(envelope?.['Signature']);
  if (envelope === null || signature === null) {
    throw new WebhookError(
      'missing_signature',
      'There is no signed SNS envelope around the message. Switch raw message delivery off.',
    );
  }
  checkTopic(envelope, type, given);
  const algorithm =
    { '1': 'sha1', '2': 'sha256' }[text(envelope['SignatureVersion']) ?? ''] ?? null;
  if (!Object.hasOwn(SIGNED_FIELDS, type) || (algorithm !== 'sha1' && algorithm !== 'sha256'))
    throw badSignature();
  const content = Buffer.from(canonicalText(envelope, type));
  const keys = (await certificates(envelope, context, hosts, given)).flatMap(importPublicKeys);
  const bytes = Buffer.from(signature, 'base64');
  if (!keys.some(({ key }) => isSignedBy(key, algorithm, content, bytes))) throw badSignature();
  return { covers: 'body', replayKey: null };
}

/** Name and value of each signed field, each on a line of its own, the last one too. */
export function canonicalText(envelope: Fields, type: string): string {
  return (lookUp(SIGNED_FIELDS, type) ?? [])
    .flatMap((name) => (typeof envelope[name] === 'string' ? [`${name}\n${envelope[name]}\n`] : []))
    .join('');
}

function checkTopic(envelope: Fields, type: string, secrets: readonly string[]): void {
  const topics = secrets.filter((one) => one.startsWith('arn:'));
  const topic = text(envelope['TopicArn']) ?? '';
  if (topics.includes(topic)) return;
  // Whoever may make us confirm a subscription may post to us from then on.
  if (topics.length === 0 && type === 'Notification') return;
  throw new WebhookError(
    'topic_not_allowed',
    `The topic ${topic.slice(0, 200)} is not allowed. Give its ARN as a secret if it is yours.`,
  );
}

async function certificates(
  envelope: Fields,
  context: VerifyContext,
  hosts: SnsHosts,
  secrets: readonly string[],
): Promise<string[]> {
  const pinned = secrets.filter((one) => one.includes('-----BEGIN'));
  if (pinned.length > 0) return pinned;
  const url = text(envelope['SigningCertURL'] ?? envelope['SigningCertUrl']) ?? '';
  if (!hosts.certificate.test(url)) {
    throw new WebhookError(
      'untrusted_key',
      `The certificate is not the provider's: ${url.slice(0, 200)}`,
    );
  }
  if (context.fetchKey === undefined) {
    throw new WebhookError('key_unavailable', `The certificate ${url} cannot be fetched here.`);
  }
  return [await context.fetchKey(url)];
}

/**
 * A subscription to confirm, after `verify` has allowed the topic; 403 where it would be confirmed
 * elsewhere than with the provider.
 */
export function snsHandshake(request: ProviderRequest, hosts: SnsHosts): HandshakeAnswer | null {
  const body = fields(parse(textOf(request.body)));
  if (text(body['Type']) !== 'SubscriptionConfirmation') return null;
  const url = text(body['SubscribeURL']) ?? '';
  const answer = { headers: {}, body: '', afterVerify: true };
  if (!hosts.subscribe.test(url)) return { ...answer, status: 403 };
  return { ...answer, status: 200, confirmUrl: url };
}
