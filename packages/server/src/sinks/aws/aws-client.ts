import { signAwsRequest } from '../../lib/network/sign-aws-request.ts';
import type { SinkHttpAnswer, SinkSurroundings } from '../contract.ts';
import { checkAwsAnswer, parseJson } from './aws-trouble.ts';

export interface AwsClient {
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
  const url = new URL('/', account.endpoint).href;

  const post: AwsClient['post'] = async (own, body, signal) => {
    const request = { method: 'POST', url, headers: own, body, nowMs: clock.now() } as const;
    const headers = signAwsRequest(request, { keyId, secret, region, service });
    const answer = await http.request({ ...request, headers, signal });
    checkAwsAnswer(answer);
    return answer;
  };

  return {
    post,
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
