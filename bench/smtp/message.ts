/** A message of about this size, as an application writes it: 75 characters a line, CRLF throughout. */
export function composeBenchMessage(sizeBytes: number): Buffer {
  const head = [
    'From: Shop <shop@bench.example>',
    'To: user@ok.example',
    'Subject: Your order 1001 is on its way',
    'Date: Sun, 22 Nov 2026 03:00:00 +0000',
    'Message-ID: <order-1001@bench.example>',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    '',
  ].join('\r\n');
  const line = `${'The quick brown fox jumps over the lazy dog. '.repeat(2).slice(0, 75)}\r\n`;
  const lines = Math.max(1, Math.round((sizeBytes - head.length) / line.length));
  return Buffer.from(head + line.repeat(lines));
}
