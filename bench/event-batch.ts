/**
 * Makes batches of events for POST /v1/events, as JSON: events of usual size, which differ in the ids of
 * their messages, or they would be duplicates of each other. Made from a text with gaps, so that it costs
 * the caller little.
 */
export function createBatches(events: number): () => string {
  const parts = JSON.stringify(Array.from({ length: events }, (_, i) => createEvent(i))).split('?');
  let made = 0;
  return () => {
    made += 1;
    return parts.join(String(made));
  };
}

function createEvent(i: number): object {
  return {
    type: 'email.delivered',
    timestamp: new Date().toISOString(),
    data: {
      provider: 'bench',
      message: { provider_id: `?-${i}`, from: 'shop@example.com', subject: 'Your order 12345' },
      recipient: 'user@example.com',
      delivery: {
        attempt: 1,
        smtp_code: 250,
        enhanced_code: '2.0.0',
        response: '250 2.0.0 Ok: queued as 4F2A11B3C',
        mx: 'mx1.example.com',
        remote_ip: '192.0.2.25',
        tls: true,
        latency_ms: 312,
      },
      tags: [`t${i % 10}`],
      metadata: { order_id: '12345' },
    },
  };
}
