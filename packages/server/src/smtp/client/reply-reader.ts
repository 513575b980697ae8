/** A whole reply of a server (RFC 5321 4.2.1). */
export interface ServerReply {
  code: number;
  /** The text of each line, without code and separator. */
  lines: string[];
}

export interface ReplyReader {
  /** Whole replies in the bytes so far. After `isBroken` it gives none. */
  push(chunk: Uint8Array): ServerReply[];
  /** True once the server has said something that is no SMTP reply, or would not end. */
  isBroken(): boolean;
}

/** RFC 5321 4.5.3.1.5 allows 512 octets; what is longer is kept to here and dropped beyond. */
const MAX_LINE_BYTES = 4_096;
/** An EHLO answer has some 15 lines, a policy refusal perhaps 10. */
const MAX_LINES = 200;
/** A line that runs on beyond this ends the conversation. */
const MAX_REPLY_BYTES = 1_048_576;

const LF = 0x0a;
const REPLY_LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/s;

/**
 * Turns bytes into replies, in any chunking. Lines may end in a bare LF, as some servers' do; a
 * reply's lines must carry one code. Bounded: a server can make us hold at most 200 lines of 4 kB.
 */
export function createReplyReader(): ReplyReader {
  let line = '';
  let lines: string[] = [];
  let lineCode: number | null = null;
  let replyBytes = 0;
  let broken = false;

  /** Takes one line; gives the reply that it ends, if it does. */
  function endLine(): ServerReply | null {
    const text = decode(line.endsWith('\r') ? line.slice(0, -1) : line);
    line = '';
    // Some servers put empty lines between replies.
    if (text === '' && lineCode === null) return null;
    const match = REPLY_LINE.exec(text);
    const code = match === null ? null : Number(match[1]);
    if (code === null || (lineCode !== null && lineCode !== code)) {
      broken = true;
      return null;
    }
    lineCode = code;
    if (lines.length < MAX_LINES) lines.push(match?.[3] ?? '');
    if (match?.[2] === '-') return null;
    const reply = { code, lines };
    lines = [];
    lineCode = null;
    replyBytes = 0;
    return reply;
  }

  return {
    push(chunk) {
      const replies: ServerReply[] = [];
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let from = 0;
      while (from < bytes.length && !broken) {
        const newline = bytes.indexOf(LF, from);
        const to = newline === -1 ? bytes.length : newline;
        const room = MAX_LINE_BYTES - line.length;
        if (room > 0) line += bytes.toString('latin1', from, Math.min(to, from + room));
        replyBytes += to - from;
        if (replyBytes > MAX_REPLY_BYTES) broken = true;
        from = to + 1;
        if (newline === -1 || broken) break;
        const reply = endLine();
        if (reply !== null) replies.push(reply);
      }
      return replies;
    },
    isBroken: () => broken,
  };
}

/** Reply text has no charset; most that is not ASCII is UTF-8, the rest is kept byte for byte. */
function decode(bytes: string): string {
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? bytes : text;
}
