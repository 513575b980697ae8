import { z } from 'zod';
import { definePreset } from './sink-preset.ts';

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,79}__c$/;

interface Settings {
  domain: string;
  client_id: string;
  client_secret: string;
  object: string;
  id_field: string;
}

/**
 * A record by its external id, so that what comes twice is one record. The id stands in the URL alone: in the
 * body as well it would be refused.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_upsert_patch.htm
 */
export const salesforceRecords = definePreset<Settings>({
  preset: 'salesforce-records',
  title: 'Salesforce records',
  summary: 'A record of a custom object for each event, once however often it is sent.',
  needs:
    'An external client app with the client credentials flow and the scope api; and a custom object Posthorn_Event__c with the fields Event_Id__c (text of 40, external ID, unique), Type__c (text of 60), Occurred_At__c (date/time), Recipient__c (email), Subject__c (text of 255), Answer__c (long text area of 2000), Link__c (long text area of 4000) and Message_Id__c (text of 40).',
  settings: z.strictObject({
    domain: z
      .string()
      .regex(
        /^[a-z0-9-]{1,80}(\.[a-z0-9-]{1,80})*\.salesforce\.com$/,
        'Write the domain alone, such as acme.my.salesforce.com.',
      )
      .describe('My Domain: acme.my.salesforce.com.'),
    client_id: z.string().min(1).max(1_000).describe('The consumer key of the app.'),
    client_secret: z
      .string()
      .min(1)
      .max(1_000)
      .describe('The consumer secret of the app. Kept sealed and never shown.'),
    object: z
      .string()
      .regex(NAME, 'Write the API name, such as Posthorn_Event__c.')
      .default('Posthorn_Event__c')
      .describe('The API name of the custom object.'),
    id_field: z
      .string()
      .regex(NAME, 'Write the API name, such as Event_Id__c.')
      .default('Event_Id__c')
      .describe('The API name of its external ID.'),
  }),
  secrets: ['client_secret'],
  eventTypes: ['email.*'],
  make: ({ domain, client_id, client_secret, object, id_field }) => ({
    settings: {
      method: 'PATCH',
      url: `https://${domain}/services/data/v62.0/sobjects/${object}/${id_field}/{id}`,
      oauth_token_url: `https://${domain}/services/oauth2/token`,
      oauth_client_id: client_id,
      oauth_client_secret: client_secret,
    },
    transformation: `(
  $cut := function($text, $length) { $text ? $substring($text, 0, $length) };
  {
    "Type__c": type,
    "Occurred_At__c": timestamp,
    "Recipient__c": data.recipient ? data.recipient,
    "Subject__c": $cut(data.message.subject, 255),
    "Answer__c": $cut(data.delivery.response ? data.delivery.response : data.reject.reason, 2000),
    "Link__c": $cut(data.engagement.url, 4000),
    "Message_Id__c": data.message.id ? data.message.id
  }
)`,
  }),
});
