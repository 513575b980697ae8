/**
 * smtp-server alone: asks for a login as Posthorn does, takes each message to its end and forgets it. A
 * process of its own.
 */
import { SMTPServer } from 'smtp-server';

const server = new SMTPServer({
  disabledCommands: ['STARTTLS'],
  allowInsecureAuth: true,
  disableReverseLookup: true,
  hideENHANCEDSTATUSCODES: false,
  onAuth: (_auth, _session, callback) => callback(null, { user: 'anybody' }),
  onData(stream, _session, callback) {
    stream.resume();
    stream.on('end', () => callback(null, '2.0.0 Forgotten'));
  },
});
server.on('error', () => {});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});
