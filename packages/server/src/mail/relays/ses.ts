import { signAwsRequest } from '../../lib/network/sign-aws-request.ts';
import { type ApiRelay, endpointOf, secretOf, textOf, verdictOfStatus } from './api-relay.ts';

/**
 * Amazon SES, API version 2: SendEmail with raw content, `ses://<key id>:<secret>@<region>`, and
 * `?configuration_set=`. The recipients are those of Destination, whatever the header of the message says.
 */
export const sesRelay: ApiRelay = {
  scheme: 'ses',
  maxRecipients: 50,
  open(url) {
    const region = url.hostname;
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
      throw new Error('ses:// needs a region as its host: ses://KEYID:SECRET@eu-west-1');
    }
    const account = {
      keyId: decodeURIComponent(url.username),
      secret: secretOf(url, 'the secret access key'),
      region,
      service: 'ses',
    };
    if (account.keyId === '') throw new Error('ses:// needs the access key id as its user.');
    const set = url.searchParams.get('configuration_set');
    const base = endpointOf(url, `https://email.${region}.amazonaws.com`);
    return ({ recipients, raw }, nowMs) => {
      const body = JSON.stringify({
        // A list of blind copies: none of them is shown to the others.
        Destination: { BccAddresses: recipients },
        Content: { Raw: { Data: Buffer.from(raw).toString('base64') } },
        ...(set === null ? {} : { ConfigurationSetName: set }),
      });
      const to = `${base}/v2/email/outbound-emails`;
      const headers = { 'content-type': 'application/json' };
      const request = { method: 'POST', url: to, headers, body, nowMs };
      return { url: to, headers: signAwsRequest(request, account), body };
    };
  },
  read({ status, json, headers }) {
    if (status === 200) return { outcome: 'delivered', providerId: textOf(json?.['MessageId']) };
    const kind = (headers.get('x-amzn-errortype') ?? textOf(json?.['__type']) ?? '').split(':')[0];
    if (kind === 'TooManyRequestsException' || kind === 'LimitExceededException') {
      return { outcome: 'deferred', errorCode: 'api_throttled' };
    }
    // Of the account, and over when somebody has put it right.
    const isOurs = [
      'SendingPausedException',
      'AccountSuspendedException',
      'MailFromDomainNotVerifiedException',
    ];
    if (isOurs.includes(kind ?? '')) return { outcome: 'deferred', errorCode: 'api_failed' };
    return verdictOfStatus(status);
  },
  explain: (json) => textOf(json['message']) ?? textOf(json['Message']),
};
