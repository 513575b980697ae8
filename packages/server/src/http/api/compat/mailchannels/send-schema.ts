import { z } from 'zod';

/**
 * The body of MailChannels' /send (their OpenAPI description 0.21). What we know nothing of is passed
 * over, as their clients get new fields before we do.
 */

const mailbox = z.looseObject({ email: z.string(), name: z.string().nullish() });
const mailboxes = z.array(mailbox).max(1_000);
const headers = z.record(z.string(), z.string());

const tracking = z.looseObject({ enable: z.boolean().nullish() }).nullish();

const personalization = z.looseObject({
  to: mailboxes.min(1),
  cc: mailboxes.nullish(),
  bcc: mailboxes.nullish(),
  from: mailbox.nullish(),
  reply_to: mailbox.nullish(),
  subject: z.string().nullish(),
  headers: headers.nullish(),
  dynamic_template_data: z.unknown().optional(),
});

export const sendBody = z.looseObject({
  personalizations: z.array(personalization).min(1).max(1_000),
  from: mailbox,
  reply_to: mailbox.nullish(),
  subject: z.string().nullish(),
  content: z
    .array(
      z.looseObject({
        type: z.string(),
        value: z.string(),
        template_type: z.string().nullish(),
      }),
    )
    .min(1),
  attachments: z
    .array(
      z.looseObject({
        content: z.string(),
        filename: z.string(),
        type: z.string().nullish(),
        content_id: z.string().nullish(),
      }),
    )
    .max(1_000)
    .nullish(),
  headers: headers.nullish(),
  campaign_id: z
    .string()
    .regex(/^\S{1,48}$/, 'A campaign_id has up to 48 characters, without spaces.')
    .nullish(),
  transactional: z.boolean().nullish(),
  tracking_settings: z.looseObject({ click_tracking: tracking, open_tracking: tracking }).nullish(),
});

export type SendBody = z.output<typeof sendBody>;
export type Personalization = SendBody['personalizations'][number];
