// A table file: the messages that the demo sends, in this order.

export interface DemoMessage {
  door: 'http' | 'smtp';
  subject: string;
  to: string[];
  cc?: string[];
  bcc?: string[];
  text: string;
  html?: string;
  attachments?: { filename: string; content: Buffer; contentType: string }[];
  tags?: string[];
  metadata?: Record<string, unknown>;
}

export const DEMO_SENDER = { name: 'Brass Shop', email: 'orders@shop.example' };

const at = (localPart: string, domain = 'sandbox.test'): string => `${localPart}@${domain}`;

const INVOICE = Buffer.from('item;amount\r\nA horn of brass;249.00\r\nPostage;6.50\r\n');

export const DEMO_MESSAGES: readonly DemoMessage[] = [
  {
    door: 'http',
    subject: 'Welcome to the shop',
    to: [at('delivered')],
    text: 'Good to have you here.',
    html: '<p>Good to have <b>you</b> here.</p>',
  },
  {
    door: 'http',
    subject: 'Please confirm your address',
    to: [at('bounce')],
    text: 'Nobody will ever read this.',
  },
  {
    door: 'smtp',
    subject: 'Your order 1001',
    to: [at('defer')],
    text: 'It is on its way, as soon as the mailbox has time.',
  },
  {
    door: 'http',
    subject: 'Your monthly statement',
    to: [at('full')],
    text: 'There is no room for it.',
  },
  {
    door: 'smtp',
    subject: 'Win a golden horn!!!',
    to: [at('spam')],
    text: 'Act now.',
  },
  {
    door: 'http',
    subject: 'Our newsletter',
    to: [at('blocked')],
    text: 'The sender is not wanted there.',
  },
  {
    door: 'http',
    subject: 'Your password was changed',
    to: [at('slow')],
    text: 'The server takes its time.',
  },
  {
    door: 'smtp',
    subject: 'Your ticket 77',
    to: [at('drop')],
    text: 'The line breaks, and the message comes through all the same.',
  },
  {
    door: 'smtp',
    subject: 'An invitation',
    to: [at('greylist')],
    text: 'A server that has never heard of us.',
  },
  {
    door: 'http',
    subject: 'To the whole team',
    to: [at('delivered', 'team.test'), at('bounce', 'team.test')],
    cc: [at('defer', 'team.test')],
    bcc: [at('full', 'team.test'), at('someone', 'team.test')],
    text: 'One message, five recipients, five answers.',
  },
  {
    door: 'http',
    subject: 'Your invoice 2026-114',
    to: [at('delivered+invoice')],
    text: 'The invoice is attached.',
    attachments: [{ filename: 'invoice.csv', content: INVOICE, contentType: 'text/csv' }],
    tags: ['invoice', 'eu'],
    metadata: { order_id: '1001', amount: 255.5 },
  },
  {
    door: 'smtp',
    subject: 'Grüße aus der Werkstatt',
    to: [at('delivered+smtp'), at('delivered', 'another.test')],
    text: 'Umlauts, tags and metadata, by SMTP.',
    tags: ['greeting'],
    metadata: { campaign: 'autumn' },
  },
];
