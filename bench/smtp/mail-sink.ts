/**
 * The receiving mail server of a bench: a process of its own, by hand over raw sockets, so that it takes as
 * little of the machine as possible. What it says at RCPT goes by the domain: `defer...` 451, `bounce...`
 * 550, everything else 250. It counts messages, deferrals and bounces.
 */
import { createServer } from 'node:net';

const EHLO = Buffer.from(
  '250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n',
);
const OK = Buffer.from('250 2.0.0 Ok\r\n');
const GO_ON = Buffer.from('354 Go on\r\n');
const NOBODY = Buffer.from('554 5.5.1 No valid recipients\r\n');
const DEFERRED = Buffer.from('451 4.7.1 Greylisted, come back later\r\n');
const BOUNCED = Buffer.from('550 5.1.1 No such user here\r\n');
const END = Buffer.from('\r\n.\r\n');
const counts = { taken: 0, deferred: 0, bounced: 0 };

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  let isBody = false;
  let recipients = 0;
  socket.on('error', () => {});
  socket.write('220 sink.test ESMTP\r\n');
  socket.on('data', (chunk) => {
    // Of a body only its last bytes are looked at, and what may be behind its end.
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const answers: Buffer[] = [];
    for (;;) {
      const end = isBody ? rest.indexOf(END) : rest.indexOf('\r\n');
      if (end === -1) break;
      if (isBody) {
        isBody = false;
        counts.taken += 1;
        rest = rest.subarray(end + END.length);
        answers.push(OK);
        continue;
      }
      const line = rest.toString('latin1', 0, end);
      rest = rest.subarray(end + 2);
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'EHLO') answers.push(EHLO);
      else if (verb === 'RCPT') answers.push(answerTo(line));
      else if (verb === 'DATA') {
        isBody = recipients > 0;
        answers.push(isBody ? GO_ON : NOBODY);
      } else answers.push(OK);
      if (verb === 'MAIL') recipients = 0;
      if (verb === 'QUIT') socket.end();
    }
    if (isBody && rest.length > END.length) rest = rest.subarray(rest.length - END.length + 1);
    if (answers.length > 0) socket.write(Buffer.concat(answers));
  });

  function answerTo(line: string): Buffer {
    if (line.includes('@defer')) {
      counts.deferred += 1;
      return DEFERRED;
    }
    if (line.includes('@bounce')) {
      counts.bounced += 1;
      return BOUNCED;
    }
    recipients += 1;
    return OK;
  }
});

process.on('message', () => void process.send?.({ ...counts }));
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});
