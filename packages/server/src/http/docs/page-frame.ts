/**
 * What all pages of the documentation share. No scripts, nothing from elsewhere: they work offline, with a
 * keyboard and with a screen reader.
 */
export function framePage(page: {
  /** Plain text; the rest is HTML. */
  title: string;
  version: string;
  contents: string;
  main: string;
}): string {
  const version = escapeHtml(page.version);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(page.title)}</title><style>${STYLE}</style></head>
<body><a class="skip" href="#main">Skip to the content</a>
<nav aria-label="Contents"><p class="brand">Posthorn <span>${version}</span></p>${page.contents}</nav>
<main id="main">${page.main}</main></body></html>`;
}

/** Of a page that may show styles of its own and nothing else. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1d1d1b;--soft:#5d5b55;--line:#e3e0d8;--paper:#fdfcfa;--panel:#f5f3ee;--brass:#7a5a10}
@media (prefers-color-scheme:dark){:root{--ink:#ecebe7;--soft:#aaa79e;--line:#3a3833;--paper:#191817;--panel:#22211f;--brass:#d9b25a}}
*{box-sizing:border-box}html{scroll-behavior:smooth;scroll-padding-top:16px}
body{margin:0;display:grid;grid-template-columns:256px minmax(0,1fr);font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:24px;background:var(--panel);border-right:1px solid var(--line);font-size:14px}
nav h2{font-size:12px;color:var(--soft);margin:24px 0 8px;text-transform:uppercase;letter-spacing:.06em}nav ul{list-style:none;margin:0;padding:0}nav li{margin:6px 0}
.brand{font-weight:600;font-size:18px;margin:0}.brand span{font-weight:400;color:var(--soft);font-size:13px}
main{padding:40px 48px 96px;max-width:960px;overflow-wrap:break-word}h1{margin:0 0 8px;font-size:30px}section>h2{margin:64px 0 0;font-size:22px;border-bottom:1px solid var(--line);padding-bottom:8px}
article{margin:40px 0}h3{margin:0 0 8px;font-size:18px}h4{margin:24px 0 8px;font-size:14px}h4 span{font-weight:400;color:var(--soft)}
a{color:var(--brass)}a:focus-visible,pre:focus-visible{outline:2px solid var(--brass);outline-offset:2px}
code,pre{font:14px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace}pre{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:16px;overflow:auto}
.line{margin:0 0 8px}.line span{color:var(--soft);font-size:14px;margin-left:8px}.line b{display:inline-block;min-width:64px;font:600 13px ui-monospace,monospace;color:var(--brass)}
table{border-collapse:collapse;width:100%;font-size:14px;display:block;overflow-x:auto}th,td{text-align:left;vertical-align:top;padding:8px 16px 8px 0;border-bottom:1px solid var(--line)}th{font-weight:400}thead th{color:var(--soft);font-size:13px}th em{font-style:normal;color:var(--brass);font-size:12px}
.skip{position:absolute;left:-9999px}.skip:focus{left:16px;top:16px;background:var(--paper);padding:8px;z-index:1}
@media (max-width:800px){body{display:block}nav{position:static;height:auto;border-right:0}main{padding:24px}}
`;
