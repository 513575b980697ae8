const SUBJECT =
  /\bdelay(?:ed)?\b|^\W*warning: (?:could not send|message)|still being retried|deferred|verz(?:ö|oe|o)ger|en retard|retras|ritard|atras|vertraag|遅延|задерж/i;

const WORDS =
  /this is (?:a|only a) (?:warning|notification about a delay)|(?:will|would) (?:be|continue to be|keep being) (?:retried|tried)|(?:will|server will) (?:keep|continue) (?:on )?trying|delivery attempts will continue|will (?:continue|keep|still) (?:to )?try(?:ing)?|been postponed|has (?:been|not yet been) (?:delayed|delivered)|temporary failure report|no need to re-?send|(?:do|don't|need) not (?:need to )?re-?send|is delayed for more than/i;

const FINAL =
  /giving up|given up|permanent(?:ly)? (?:error|failure|fatal)|failed permanently|no (?:further|longer)[^.]{0,30}(?:attempt|tr(?:y|ied))|not going to try again|will be deleted from queue|has stopped trying/i;

/** Whether a notice without machine-readable fields reports a delay: the message is still on its way. */
export function isDelay(subject: string, text: string): boolean {
  const head = text.slice(0, 4_000);
  if (FINAL.test(head)) return false;
  return WORDS.test(head) || (SUBJECT.test(subject) && !/fail|undeliver|return/i.test(subject));
}
