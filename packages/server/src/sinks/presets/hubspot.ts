import { z } from 'zod';
import { definePreset } from './sink-preset.ts';

const tokenField = z
  .string()
  .regex(/^[\x21-\x7e]{1,1000}$/, 'A token has no spaces.')
  .describe('The access token of a private app. Kept sealed and never shown.');

/** JSONata: what the mail server answered, or why it was not asked. */
const ANSWER = 'data.delivery.response ? data.delivery.response : data.reject.reason';

/**
 * A batch of one, since it is the call that makes a contact that is not there yet:
 * https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/batch/upsert-contacts
 */
export const hubspotContacts = definePreset<{ token: string }>({
  preset: 'hubspot-contacts',
  title: 'HubSpot contacts',
  summary: 'The latest that happened to mail for somebody, on the contact with that address.',
  needs:
    'A private app with the scope crm.objects.contacts.write, and three properties of contacts: posthorn_last_event (text), posthorn_last_event_at (date and time), posthorn_last_answer (text). A contact that is not there is made.',
  settings: z.strictObject({ token: tokenField }),
  secrets: ['token'],
  eventTypes: [
    'email.delivered',
    'email.bounced',
    'email.complained',
    'email.clicked',
    'email.unsubscribed',
  ],
  make: ({ token }) => ({
    settings: {
      url: 'https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert',
      headers: { authorization: `Bearer ${token}` },
    },
    transformation: `data.recipient ? {
  "inputs": [{
    "idProperty": "email",
    "id": $lowercase(data.recipient),
    "properties": {
      "posthorn_last_event": type,
      "posthorn_last_event_at": timestamp,
      "posthorn_last_answer": ${ANSWER} ? data.reject.reason : ""
    }
  }]
}`,
  }),
});

interface EventSettings {
  token: string;
  event_name: string;
}

/** https://developers.hubspot.com/docs/api-reference/latest/events/send-event-data/send-event-occurrence */
export const hubspotEvents = definePreset<EventSettings>({
  preset: 'hubspot-events',
  title: 'HubSpot custom events',
  summary: 'An occurrence of a custom event on the contact with the address, for its timeline.',
  needs:
    'An Enterprise subscription; a private app with the scope analytics.behavioral_events.send; and a custom event with the properties mail_event, subject, answer, link and message_id (texts). HubSpot rejects an occurrence whose id it has had within a year.',
  settings: z.strictObject({
    token: tokenField,
    event_name: z
      .string()
      .regex(/^pe\d+_[a-z0-9_]{1,100}$/, 'Write its internal name, such as pe1234567_mail.')
      .describe('The internal name of the custom event: pe1234567_mail.'),
  }),
  secrets: ['token'],
  eventTypes: ['email.*'],
  make: ({ token, event_name: name }) => ({
    settings: {
      url: 'https://api.hubapi.com/events/v3/send',
      headers: { authorization: `Bearer ${token}` },
    },
    transformation: `data.recipient ? {
  "eventName": "${name}",
  "email": data.recipient,
  "occurredAt": timestamp,
  "uuid": id,
  "properties": {
    "mail_event": type,
    "subject": data.message.subject ? data.message.subject,
    "answer": ${ANSWER},
    "link": data.engagement.url ? data.engagement.url,
    "message_id": data.message.id ? data.message.id
  }
}`,
  }),
});
