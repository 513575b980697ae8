import { sha256, signAwsRequest } from '../../lib/network/sign-aws-request.ts';
import type { SinkHttpAnswer, SinkHttpRequest, SinkSurroundings } from '../contract.ts';
import { checkAwsAnswer, parseJson } from './aws-trouble.ts';

export interface AwsClient {
  /** Stores an object; its name is relative to the endpoint and has nothing to be encoded. */
  put(key: string, contentType: string, body: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Signed; throws SinkTrouble unless it is answered with success. */
  post(headers: Record<string, string>, body: string, signal: AbortSignal): Promise<SinkHttpAnswer>;
  /** The JSON protocol: the action is a header, input and answer are JSON. */
  call(target: string, input: unknown, signal: AbortSignal): Promise<Record<string, unknown>>;
}

export function createAwsClient(
  account: {
    access_key_id: string;
    secret_access_key: string;
    region: string;
    service: string;
    endpoint: string;
  },
  { http, clock }: Pick<SinkSurroundings, 'http' | 'clock'>,
): AwsClient {
  const { access_key_id: keyId, secret_access_key: secret, region, service } = account;
  const send = async (
    request: Pick<SinkHttpRequest, 'method' | 'url' | 'headers'> & { body: string | Uint8Array },
    signal: AbortSignal,
  ): Promise<SinkHttpAnswer> => {
    const signed = { ...request, nowMs: clock.now() };
    const headers = signAwsRequest(signed, { keyId, secret, region, service });
    const answer = await http.request({ ...request, headers, signal });
    checkAwsAnswer(answer);
    return answer;
  };

  const post: AwsClient['post'] = (headers, body, signal) =>
    send({ method: 'POST', url: new URL('/', account.endpoint).href, headers, body }, signal);

  return {
    post,
    async put(key, contentType, body, signal) {
      // S3 wants the digest of the body beside its signature.
      const headers = { 'content-type': contentType, 'x-amz-content-sha256': sha256(body) };
      await send({ method: 'PUT', url: `${account.endpoint}${key}`, headers, body }, signal);
    },
    async call(target, input, signal) {
      // 1.0 and 1.1 differ in how errors are told, and both ways are read.
      const version = service === 'sqs' ? '1.0' : '1.1';
      const headers = {
        'content-type': `application/x-amz-json-${version}`,
        'x-amz-target': target,
      };
      return parseJson((await post(headers, JSON.stringify(input), signal)).text);
    },
  };
}
