/**
 * A message whose lines end with CR LF, whatever they ended with: bare CR and LF are no ends of lines in
 * mail (RFC 5321 2.3.8), and what one server takes for one and the next does not is how mail is smuggled.
 */
export function endLinesWithCrlf(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1');
}
