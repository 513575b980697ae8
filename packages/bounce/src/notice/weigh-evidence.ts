import { decodeWords } from '../mail/decode-words.ts';
import type { Headers } from '../mail/parse-headers.ts';

const DAEMON =
  /mailer[-_.]?daemon|^\W*<?\W*postmaster\b|<postmaster@|\bpostmaster@|mail(?:er)? deliver|delivery (?:sub)?system|mail delivery|system administrator|mail administrator|\bmdaemon\b|mail ?gateway|content-filter at|microsoft outlook|internet mail delivery|mailsystem|<>$|^$/i;

const NULL_SENDER = /^\s*<\s*>|mailer-daemon|^\s*<?postmaster@/i;

const AUTOMATIC = /^\s*auto-(?:replied|generated)/i;

/** Subjects of delivery reports, from the start: `Re:` and `Fwd:` are people's. */
const SUBJECT =
  /^\W*(?:\[[^\]]{1,40}\]\s*)?(?:mail |e-?mail |message |notice: |your (?:message|mail) )?(?:undeliver|returned? (?:mail|message|to sender)|delivery (?:status|fail|report|notification|problem|error|has|unsuccessful|delayed|incomplete)|failure notice|fail(?:ed|ure)? (?:delivery|mail|notice|notification)|(?:mail|message) (?:system error|delivery|could not|not delivered|undeliver|fail|error|status)|mail (?:error|failure)|mail delivery (?:fail|problem|system|error)|could not (?:be )?deliver|non[- ]?deliver|not delivered|nondeliver|bounce|rejected mail|warning: (?:could not send|message)|postmaster notify|postfix smtp server: errors|delayed mail|notification of (?:undeliver|failed)|(?:permanent )?delivery failure|error (?:delivering|sending)|can(?:'?t|not) deliver|status of your|(?:unzustellbar|nicht zustellbar|zustell|mail ?zustell|ihre nachricht konnte)|(?:non remis|echec|échec|notification d|message non|avis de non)|(?:no se (?:puede|pudo)|devuelto|correo devuelto|mensaje no|notificaci)|(?:mancat[oa]|messaggio non|recapito|impossibile)|(?:n[aã]o entreg|devolu|mensagem n[aã]o|falha)|(?:onbestel|niet (?:bezorgd|afgeleverd))|(?:メール|配信|配送|送信|エラー|不達)|недостав|сообщение не|невозможно достав|не доставлен|ваше сообщение не|退信|系统退信|無法傳遞|无法投递)/i;

/** Words of reports in their bodies. */
const BODY =
  /(?:error|attempt)[^.]{0,60}deliver|(?:could|was|can|has|were|is|be)(?: ?not|n'?t) (?:be |been )?(?:deliver|sent|reach|relayed|received)|un(?:able|deliver)[^.]{0,40}|deliver(?:y|ing|ed)?\b[^.]{0,60}(?:fail|problem|error|reject|delay|unsuccess|suspend|attempt)|fail(?:ed|ure)?\b[^.]{0,40}(?:deliver|recipient|send)|did not (?:reach|receive)|(?:permanent|fatal|delivery) errors?|returned (?:mail|message|to sender|because)|undelivered|following (?:address|recipient)|remote (?:host|server|mail)[^.]{0,40}said|reject(?:ed|s) (?:your|the|by)|transcript of session|non-?deliver|message (?:is )?still undelivered|blocked|nicht (?:zugestellt|ausgeliefert)|unzustellbar|n'a (?:pas|pu)|remis|no (?:se )?(?:puede|pudo|ha podido)|entreg|recapit|consegn|bezorg|afgeleverd|доставлен|送信できません|送信でき|配信|配送|届け|エラー|無法|无法|失敗|失败|退信|invalid (?:final )?(?:delivery )?user|unknown user|no such user|mailbox (?:full|exceed)/i;

const LIST_HEADERS = ['list-unsubscribe', 'list-id', 'list-post', 'x-campaign', 'x-mailing-list'];

export interface Evidence {
  /** Whether the headers are those of a machine that reports on a delivery. */
  isReport: boolean;
  /** Whether its words say so too, or its headers leave no doubt: words of all languages are many. */
  isSure: boolean;
}

/**
 * Whether a mail without a machine-readable report is one nevertheless. Few headers need
 * words beside them: a newsletter about bounces has only words, a vacation notice only headers. `returnsMail`:
 * the mail has another one, or its headers, inside.
 */
export function weighEvidence(headers: Headers, notice: string, returnsMail: boolean): Evidence {
  const subject = (headers.text('subject') ?? '').slice(0, 400);
  const from = decodeWords(headers.all('from')[0] ?? '').trim();
  const isDaemon = DAEMON.test(from);
  const isNull = NULL_SENDER.test(headers.all('return-path')[0] ?? '');
  const namesFailed = headers.all('x-failed-recipients').length > 0;
  // No subject makes a report: help desks and parcel services write the same.
  if (!isDaemon && !isNull && !namesFailed && !returnsMail)
    return { isReport: false, isSure: false };
  const isList = LIST_HEADERS.some((name) => headers.all(name).length > 0);
  const weight =
    // Nobody writes letters as MAILER-DAEMON; as postmaster some do.
    (isDaemon ? (/mailer[-_.]?daemon/i.test(from) ? 3 : 2) : 0) +
    (isNull ? 2 : 0) +
    (SUBJECT.test(subject) ? 2 : 0) +
    (namesFailed ? 3 : 0) +
    (AUTOMATIC.test(headers.all('auto-submitted')[0] ?? '') ? 1 : 0) +
    (returnsMail ? 1 : 0) +
    (isPersonalSubject(subject) && !isDaemon ? -4 : 0) +
    (isList && !isDaemon ? -3 : 0);
  return { isReport: weight >= 3, isSure: weight >= 4 || BODY.test(notice.slice(0, 8_000)) };
}

export function isPersonalSubject(subject: string): boolean {
  return /^\W*(?:re|aw|sv|antw|rv|fwd?|wg|tr|rif|vs|回复|转发|答复)\s*(?:\[\d+\])?\s*:/i.test(
    subject,
  );
}
