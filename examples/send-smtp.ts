/**
 * Sends a message by SMTP, as any program or framework that speaks it would.
 *
 *     POSTHORN_API_KEY=phk_... node examples/send-smtp.ts delivered@sandbox.test
 *
 * The user name is of no meaning, the password is an API key. Start `npm run demo` for a server, a
 * key and a sandbox to send to.
 */
import { createTransport } from 'nodemailer';

const [to = 'delivered@sandbox.test'] = process.argv.slice(2);
const transport = createTransport({
  host: process.env['POSTHORN_SMTP_HOST'] ?? '127.0.0.1',
  port: Number(process.env['POSTHORN_SMTP_PORT'] ?? 2525),
  auth: { user: 'posthorn', pass: process.env['POSTHORN_API_KEY'] ?? '' },
});

const { response } = await transport.sendMail({
  from: 'Brass Shop <orders@shop.example>',
  to,
  subject: 'Your order 1001',
  text: 'It is on its way.',
  // What the HTTP API takes as tags and metadata. Prepared, or JSON would become an encoded word.
  headers: {
    'X-Posthorn-Tags': 'order, eu',
    'X-Posthorn-Metadata': { prepared: true, value: JSON.stringify({ order_id: '1001' }) },
  },
});
console.log(response);
