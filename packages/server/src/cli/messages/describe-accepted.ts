import { plain } from '../output/columns.ts';

/** As `POST /v1/messages` answers (http/api/messages/message-schema.ts). */
export interface Accepted {
  id: string;
  recipients: { address: string; kind: string }[];
  /** Not null: it waits until somebody lets it go. */
  hold?: object | null;
  webhooks: { enabled: number; disabled: number };
}

export function describeAccepted({ id, recipients, hold, webhooks }: Accepted): string[] {
  const addresses = recipients.map(({ address }) => plain(address)).join(', ');
  const isHeld = hold !== undefined && hold !== null;
  const disabled = webhooks.disabled === 0 ? '' : ` (${webhooks.disabled} more are disabled)`;
  return [
    `${id} is ${isHeld ? 'held for review' : 'accepted'} for ${addresses}.`,
    `${webhooks.enabled} endpoints will hear of it${disabled}. What becomes of it: posthorn messages show ${id}`,
  ];
}
