import type { BounceCategory, BounceScope } from '@posthorn/sdk';

/** What one rule or one enhanced code says, before the reply's permanence is weighed in. */
export interface Verdict {
  category: BounceCategory;
  scope: BounceScope;
  /** One sentence for people. */
  description: string;
}

const says = (category: BounceCategory, scope: BounceScope, description: string): Verdict => ({
  category,
  scope,
  description,
});

/** The verdicts that both tables use, so that one cause always reads the same. */
export const VERDICTS = {
  noMailbox: says('invalid_address', 'recipient', 'The mailbox does not exist'),
  moved: says('invalid_address', 'recipient', 'The recipient has moved away from this address'),
  badSyntax: says(
    'invalid_address',
    'recipient',
    'The receiving server finds the address malformed',
  ),
  noDomain: says('invalid_domain', 'domain', 'The domain does not exist'),
  noMail: says('invalid_domain', 'domain', 'The domain takes no mail'),
  inactive: says('mailbox_inactive', 'recipient', 'The mailbox is disabled, suspended or inactive'),
  full: says('mailbox_full', 'recipient', 'The mailbox is full'),
  tooLarge: says('message_too_large', 'content', 'The message is too large'),
  spam: says('spam_content', 'content', 'The message was taken for spam'),
  content: says('content_rejected', 'content', 'The message itself was refused'),
  reputation: says('blocked', 'infrastructure', 'The sending address or network is blocked'),
  reverseDns: says('blocked', 'infrastructure', 'The sending address has no proper reverse DNS'),
  authentication: says('policy', 'infrastructure', 'SPF, DKIM or DMARC did not pass'),
  sender: says('policy', 'infrastructure', 'The sender address was refused'),
  senderLogin: says('policy', 'infrastructure', 'The server asks its senders to authenticate'),
  policy: says('policy', 'policy', 'Refused by a policy of the receiving server'),
  preferences: says(
    'policy',
    'policy',
    'The recipient, or a list, does not accept mail from this sender',
  ),
  relay: says('relay_denied', 'policy', 'The server does not relay for this domain'),
  rate: says('rate_limited', 'infrastructure', 'Too much mail or too many connections at once'),
  recipientRate: says(
    'rate_limited',
    'policy',
    'The recipient receives too much mail at the moment',
  ),
  greylisted: says('greylisted', 'policy', 'Greylisted: to be tried again later'),
  timeout: says('timeout', 'network', 'No delivery within the time allowed'),
  dns: says('dns_failure', 'network', 'A DNS lookup failed'),
  connection: says('connection_failure', 'network', 'The connection failed'),
  loop: says('other', 'network', 'The message went round in a loop'),
  protocol: says('other', 'infrastructure', 'The servers did not understand each other'),
  system: says('other', 'network', 'The receiving system has a problem of its own'),
  unknown: says('other', 'policy', 'Refused without a cause that could be read'),
} as const satisfies Record<string, Verdict>;
