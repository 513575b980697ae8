/** Keys and signing secrets by what they begin with, and passwords in URLs. */
const SECRETS = /\b(phk|whsec|whsk)_[A-Za-z0-9+/=_-]+/g;
const PASSWORDS = /(\/\/[^/\s:@]*):[^/\s@]+@/g;

/** An error may repeat what was typed, and what it repeats ends up in logs and screenshots. */
export function redactSecrets(text: string): string {
  return text.replace(SECRETS, '$1_...').replace(PASSWORDS, '$1:...@');
}
