import { addressKey, firstAddress } from '../../mail/addresses.ts';
import { findStage } from '../find-stage.ts';
import type { Finding, NoticeFormat } from '../notice.ts';

/** `550 5.1.1 <a@example.com>... User unknown`: the codes and the words after the address. */
const LOCAL_LINE = /^[45]\d\d[ -].{0,20}?[^\s<>]{1,300}@[^\s<>]{1,255}>?\.\.\. (.*)/;

/** Sendmail's own words where another server gave the reason. */
const EMPTY_WORDS = /^(?:user unknown|remote protocol error|service unavailable|deferred)\b/i;

/**
 * Sendmail's `Transcript of session follows`. Versions before 8.8 list no addresses, so that the
 * transcript is all there is: their own line for each address after what the other server said.
 */
export const sendmailTranscript: NoticeFormat = {
  name: 'sendmail-transcript',
  source: 'Sendmail 5 to 8.18: savemail.c, usersmtp.c',
  read({ text, own }) {
    const start = text.search(/^[ \t]*-+ Transcript of session follows -+/m);
    if (start === -1) return [];
    const findings = new Map<string, Finding>();
    let said: string[] = [];
    for (const line of text.slice(start).split('\n').slice(1)) {
      if (/while talking to/i.test(line)) said = [];
      if (/^(?:>>>|<<<)/.test(line)) said.push(line);
      const words = LOCAL_LINE.exec(line.slice(0, 2_000))?.[1];
      const address = words === undefined ? null : firstAddress(line);
      if (words === undefined || address === null || own.has(addressKey(address))) continue;
      const conversation = said.join('\n');
      // The first refusal: what follows (`503 Need RCPT`) is its consequence.
      const refusal = /^<<< ([45]\d\d.*)$/m.exec(conversation)?.[1];
      const texts = refusal !== undefined && EMPTY_WORDS.test(words) ? [refusal, line] : [line];
      findings.set(addressKey(address), {
        recipient: address,
        texts,
        stage: findStage(conversation),
      });
      said = [];
    }
    return [...findings.values()];
  },
};
