import { type Language, UNSUBSCRIBE_TEXTS } from './unsubscribe-texts.ts';

/** The page as HTML: one question, one button. */
export function renderUnsubscribePage(given: {
  language: Language;
  address: string;
  sender: string;
  hasLeft: boolean;
  /** Other mail is not concerned. */
  isBroadcast: boolean;
}): string {
  const { language, hasLeft } = given;
  const texts = UNSUBSCRIBE_TEXTS[language];
  const fill = (text: string): string =>
    text
      .split(/(\{address\}|\{sender\})/)
      .map((part) => {
        if (part === '{address}')
          return `<strong>${escapeHtml(maskAddress(given.address))}</strong>`;
        return escapeHtml(part === '{sender}' ? given.sender : part);
      })
      .join('');
  const [action, label] = hasLeft
    ? (['resubscribe', texts.comeBack] as const)
    : (['unsubscribe', texts.leave] as const);
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(texts.title)}</title>
<style>
:root{color-scheme:light dark}
body{font:1.125rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.25rem;overflow-wrap:anywhere}
button{font:inherit;padding:.6rem 1.25rem;min-height:2.75rem;border:2px solid;border-radius:.4rem;cursor:pointer;background:transparent;color:inherit}
button:focus-visible{outline:3px solid;outline-offset:3px}
</style>
</head>
<body>
<main>
<h1>${escapeHtml(texts.title)}</h1>
<p${hasLeft ? ' role="status"' : ''}>${fill(hasLeft ? texts.left : texts.ask)}</p>
<form method="post"><button name="action" value="${action}">${escapeHtml(label)}</button></form>
${given.isBroadcast ? `<p><small>${escapeHtml(texts.note)}</small></p>\n` : ''}</main>
</body>
</html>
`;
}

/** Who has the link may have it from somebody else: enough for its owner to know himself by. */
function maskAddress(address: string): string {
  const at = address.lastIndexOf('@');
  const [first = ''] = address;
  return `${first}…${address.slice(at)}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
