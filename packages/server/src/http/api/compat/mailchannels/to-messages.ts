import { PosthornError } from '../../../../lib/errors.ts';
import type { Personalization, SendBody } from './send-schema.ts';

/** A message as POST /v1/messages takes it, before that has checked it. */
export interface MessageDraft {
  from: unknown;
  headers: Record<string, string>;
  [field: string]: unknown;
}

/**
 * One message for each personalization. Throws `invalid_field` for what we cannot do and what would be
 * seen in the mail: templates, and other parts than text and HTML.
 */
export function toMessages(body: SendBody, canTrack: boolean): MessageDraft[] {
  const { text, html } = readContent(body);
  const shared = {
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
    attachments: (body.attachments ?? []).map(toAttachment),
    // Their non-transactional mail is what people unsubscribe from.
    stream: body.transactional === false ? 'broadcast' : 'transactional',
    tags: body.campaign_id == null ? [] : [body.campaign_id],
    ...(canTrack ? { tracking: readTracking(body) } : {}),
  };
  return body.personalizations.map((one, i) => ({ ...shared, ...toEnvelope(one, i, body) }));
}

/** What they say nothing of, the project decides. */
function readTracking({ tracking_settings: settings }: SendBody): object {
  const opens = settings?.open_tracking?.enable ?? null;
  const clicks = settings?.click_tracking?.enable ?? null;
  return { ...(opens === null ? {} : { opens }), ...(clicks === null ? {} : { clicks }) };
}

function readContent({ content }: SendBody): { text?: string; html?: string } {
  const found: { text?: string; html?: string } = {};
  for (const [i, { type, value, template_type }] of content.entries()) {
    if (template_type != null) {
      refuse(
        `/content/${i}/template_type`,
        'Templates are not rendered here: send the finished text.',
      );
    }
    const kind = type.split(';')[0]?.trim().toLowerCase();
    if (kind === 'text/plain') found.text ??= value;
    else if (kind === 'text/html') found.html ??= value;
    else refuse(`/content/${i}/type`, `"${type}" is not sent; text/plain and text/html are.`);
  }
  return found;
}

function toEnvelope(one: Personalization, i: number, body: SendBody): MessageDraft {
  if (one.dynamic_template_data != null) {
    const at = `/personalizations/${i}/dynamic_template_data`;
    refuse(at, 'Templates are not rendered here: send the finished text.');
  }
  const replyTo = one.reply_to ?? body.reply_to ?? null;
  return {
    from: toMailbox(one.from ?? body.from),
    to: one.to.map(toMailbox),
    cc: (one.cc ?? []).map(toMailbox),
    bcc: (one.bcc ?? []).map(toMailbox),
    ...(replyTo === null ? {} : { reply_to: toMailbox(replyTo) }),
    subject: one.subject ?? body.subject ?? '',
    headers: mergeHeaders(body.headers ?? {}, one.headers ?? {}),
  };
}

function toMailbox({ email, name }: { email: string; name?: string | null | undefined }): object {
  return name == null || name === '' ? { email } : { email, name };
}

function toAttachment(one: NonNullable<SendBody['attachments']>[number]): object {
  const { content, filename, type, content_id: id } = one;
  return {
    filename,
    content,
    ...(type == null || type === '' ? {} : { content_type: type }),
    ...(id == null || id === '' ? {} : { content_id: id.replace(/^<|>$/g, '') }),
  };
}

/** Those of the personalization count, whatever the case of their names. */
function mergeHeaders(
  general: Record<string, string>,
  own: Record<string, string>,
): Record<string, string> {
  const names = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const kept = Object.entries(general).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...own };
}

function refuse(pointer: string, detail: string): never {
  throw new PosthornError('invalid_field', `${pointer}: ${detail}`, {
    fields: [{ pointer, detail }],
  });
}
