import { readdir, readFile } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { escapeHtml, framePage } from './page-frame.ts';
import { renderMarkdown } from './render-markdown.ts';

export interface Documentation {
  /** The page as HTML, by its path below docs/ without `.md`; `index` is its README. Null without one. */
  find(name: string): Promise<string | null>;
}

/**
 * The pages of docs/, rendered when somebody first asks for them. Without the folder there are none.
 * @param options.folder That of docs/.
 */
export function createDocumentation(options: { folder: string; version: string }): Documentation {
  const { folder, version } = options;
  const rendered = new Map<string, Promise<string>>();
  let names: Promise<ReadonlySet<string>> | null = null;

  async function render(name: string): Promise<string> {
    const known = await (names ?? listNames());
    const text = await readFile(join(folder, `${toFile(name)}.md`), 'utf8');
    const { title, html, sections } = renderMarkdown(text, {
      link: (href) => toServedLink(href, name, known),
    });
    const links = sections.map(
      ({ id, title: section }) =>
        `<li><a href="#${escapeHtml(id)}">${escapeHtml(section)}</a></li>`,
    );
    const here = links.length === 0 ? '' : `<h2>On this page</h2><ul>${links.join('')}</ul>`;
    const contents = `<ul><li><a href="/docs/index">All pages</a></li><li><a href="/docs">API</a></li></ul>${here}`;
    const whole = `<div class="page">${html}</div>`;
    return framePage({ title: `${title} · Posthorn`, version, contents, main: whole });
  }

  async function listNames(): Promise<ReadonlySet<string>> {
    const files = await readdir(folder, { recursive: true }).catch(() => []);
    const pages = files.filter((file) => file.endsWith('.md'));
    return new Set(
      pages.map((file) => toName(file.slice(0, -'.md'.length).split(sep).join(posix.sep))),
    );
  }

  return {
    async find(name) {
      names ??= listNames();
      // Only what is listed is read: a name is no path.
      if (!(await names).has(name)) return null;
      const page = rendered.get(name) ?? render(name);
      rendered.set(name, page);
      // Kept only when it went well.
      page.catch(() => rendered.delete(name));
      return page;
    },
  };
}

const toName = (file: string): string => (file === 'README' ? 'index' : file);
const toFile = (name: string): string => (name === 'index' ? 'README' : name);

/** What lies beside docs/ in the checkout (SECURITY.md, examples/) is not served. */
function toServedLink(href: string, from: string, known: ReadonlySet<string>): string | null {
  if (/^(https?:|#)/.test(href)) return href;
  const [path = '', fragment] = href.split('#');
  const file = posix.join(posix.dirname(toFile(from)), path);
  const name = toName(file.replace(/\.md$/, ''));
  if (!known.has(name)) return null;
  return `/docs/${name}${fragment === undefined ? '' : `#${fragment}`}`;
}
