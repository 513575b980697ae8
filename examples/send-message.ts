/**
 * Sends a message through the HTTP API and shows what became of it.
 *
 *     POSTHORN_API_KEY=phk_... node examples/send-message.ts delivered@sandbox.test
 *
 * Start `npm run demo` for a server, a key and a sandbox to send to.
 */
const url = process.env['POSTHORN_URL'] ?? 'http://127.0.0.1:8480';
const key = process.env['POSTHORN_API_KEY'];
const [to = 'delivered@sandbox.test'] = process.argv.slice(2);

async function ask(path: string, init: RequestInit = {}) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const response = await fetch(url + path, { ...init, headers: { ...headers, ...init.headers } });
  const body = JSON.parse(await response.text());
  if (!response.ok) throw new Error(`${response.status}: ${JSON.stringify(body)}`);
  return body;
}

const { id } = await ask('/v1/messages', {
  method: 'POST',
  // Sent again with the same key after a time-out, the message is not accepted twice.
  headers: { 'idempotency-key': crypto.randomUUID() },
  body: JSON.stringify({
    from: 'Brass Shop <orders@shop.example>',
    to,
    subject: 'Your order 1001',
    text: 'It is on its way.',
    metadata: { order_id: '1001' },
  }),
});
console.log('accepted', id);

await new Promise((resolve) => setTimeout(resolve, 1_000));
const { timeline } = await ask(`/v1/messages/${id}`);
for (const { event } of timeline) console.log(event.type, event.data.delivery?.response ?? '');
