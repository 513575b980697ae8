import type { EventEngagement } from '@posthorn/sdk';
import {
  findSandboxAddress,
  SANDBOX_DOMAIN,
  type SandboxFollowUp,
} from '../../core/mail/sandbox-addresses.ts';
import type { RecipientResult, Transmission } from '../../smtp/transmission.ts';
import type { SuppressionRecord } from '../../store/mail/suppressions.ts';
import type { createMailEvent } from '../mail-event.ts';

/** What mail of a sandbox key waits for in the queue: no domain, so that it stands behind nobody's mail. */
export const SANDBOX_LANE = 'sandbox';

/** An attempt as it would have been: nobody was asked. */
export function sandboxTransmission(
  recipients: readonly { recipient: string; attempts: number }[],
): Transmission {
  return {
    results: recipients.map(({ recipient, attempts }) => toResult(recipient, attempts)),
    site: null,
    transcript: [{ atMs: 0, from: 'note', text: 'Sandbox: nothing was sent.' }],
  };
}

function toResult(recipient: string, attempts: number): RecipientResult {
  const { refusal, refusals } = findSandboxAddress(recipient);
  const isRefused = refusal !== null && (refusals === null || attempts < refusals);
  const said = isRefused
    ? refusal
    : { code: 250, enhancedCode: '2.0.0', text: 'Taken by the sandbox' };
  return {
    recipient,
    outcome: isRefused ? (said.code < 500 ? 'deferred' : 'refused') : 'delivered',
    stage: isRefused ? 'rcpt' : 'reply',
    errorCode: isRefused ? 'smtp_reply' : null,
    smtpCode: said.code,
    enhancedCode: said.enhancedCode,
    response: `${said.code} ${said.enhancedCode} ${said.text}`,
    mx: `mx.${SANDBOX_DOMAIN}`,
    // Of a network that is reserved for examples (RFC 5737).
    remoteIp: '192.0.2.25',
    tls: true,
    reachedServer: true,
    latencyMs: 100,
  };
}

type Happening = Pick<
  Parameters<typeof createMailEvent>[0],
  'type' | 'bounce' | 'complaint' | 'engagement' | 'unsubscribe'
>;

/** What becomes of a delivered message at this address. */
export function sandboxFollowUps(recipient: string): Happening[] {
  return findSandboxAddress(recipient).followUps.map((one) => HAPPENINGS[one]);
}

const READER: EventEngagement = {
  ip: '192.0.2.80',
  user_agent: 'Mozilla/5.0 (Macintosh) Sandbox/1.0',
  client: null,
  first: true,
  machine: false,
  machine_reason: null,
};

const HAPPENINGS: Record<SandboxFollowUp, Happening> = {
  opened: { type: 'email.opened', engagement: READER },
  opened_by_machine: {
    type: 'email.opened',
    engagement: { ...READER, machine: true, machine_reason: 'apple_mpp' },
  },
  clicked: {
    type: 'email.clicked',
    engagement: { url: `https://${SANDBOX_DOMAIN}/clicked`, link_id: 'sandbox', ...READER },
  },
  complained: {
    type: 'email.complained',
    complaint: { type: 'abuse', feedback_id: null, user_agent: 'Sandbox/1.0' },
  },
  unsubscribed: {
    type: 'email.unsubscribed',
    unsubscribe: { method: 'one-click', group: null },
  },
  autoresponded: { type: 'email.autoresponded' },
  bounced_later: {
    type: 'email.bounced',
    bounce: {
      type: 'hard',
      category: 'invalid_address',
      scope: 'recipient',
      description: 'The mailbox does not exist',
      async: true,
      from_dsn: true,
      suppressed: false,
    },
  },
};

/** The suppression list of the sandbox. The project's own is neither asked nor changed. */
export function sandboxSuppressed(
  projectId: string,
  addresses: readonly string[],
  nowMs: number,
): Map<string, SuppressionRecord> {
  const theirs = addresses.filter((address) => findSandboxAddress(address).isSuppressed);
  return new Map(
    theirs.map((address) => [
      address,
      {
        ...{ projectId, id: SANDBOX_LANE, address, stream: null, reason: 'manual' },
        ...{ source: 'sandbox', note: null, eventId: null },
        ...{ createdAtMs: nowMs, expiresAtMs: null },
      },
    ]),
  );
}
