/** Reads a TypeScript file's imports without a parser: a scanner that knows comments and literals. */
import { posix } from 'node:path';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** `deferred` is import() or a worker's `new URL('./x.ts', ...)`: it runs later, so it makes no cycle. */
  readonly kind: 'value' | 'type' | 'deferred';
  /** Path of the imported file from the repository's root; absent when a package is imported. */
  readonly target?: string;
}

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  /** The text with its comments blanked. Offsets and lines stay. */
  readonly code: string;
  /** The text with its comments and the insides of its literals blanked. */
  readonly skeleton: string;
  readonly imports: readonly Import[];
  /** Tests, fixtures and conformance suites: what no one runs outside a test. */
  readonly isTestCode: boolean;
}

export function parseSourceFile(path: string, text: string): SourceFile {
  const { code, skeleton } = maskSource(text);
  const imports = findImports(path, code, skeleton);
  const isTestCode =
    /\.test\.tsx?$|\/fixtures\/|^packages\/server\/src\/architecture\//.test(path) ||
    imports.some(({ specifier }) => specifier === 'node:test');
  return { path, code, skeleton, imports, isTestCode };
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

const STATIC = /\b(?:import|export)\s+(type\s+)?(?:[\w$*{},\s]+?\bfrom\s*)?(?=['"])/g;
const IMPORT_CALL = /\bimport\s*\(\s*(?=['"])/g;
const NEW_URL = /\bnew\s+URL\(\s*(?=['"])/g;

function findImports(path: string, code: string, skeleton: string): Import[] {
  const found: Import[] = [];
  const add = (match: RegExpMatchArray, kind: Import['kind']) => {
    const quoteAt = (match.index ?? 0) + match[0].length;
    const specifier = code.slice(quoteAt + 1, code.indexOf(code.charAt(quoteAt), quoteAt + 1));
    const line = lineAt(code, match.index ?? 0);
    const isRelative = /^\.\.?(\/|$)/.test(specifier);
    const target = isRelative ? posix.join(posix.dirname(path), specifier) : undefined;
    found.push({ specifier, line, kind, ...(target !== undefined && { target }) });
  };
  // `import { type A }` stays at run time as `import {}`: only `import type` is a type import.
  for (const match of skeleton.matchAll(STATIC)) add(match, match[1] ? 'type' : 'value');
  for (const match of skeleton.matchAll(IMPORT_CALL)) add(match, 'deferred');
  for (const match of skeleton.matchAll(NEW_URL)) add(match, 'deferred');
  return found.filter((one) => one.target === undefined || !one.target.endsWith('.json'));
}

const LINE_COMMENT = /\/\/[^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?(?:\*\/|$)/y;
const STRING = /'(?:\\[\s\S]|[^'\\\n])*'?|"(?:\\[\s\S]|[^"\\\n])*"?/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const TEMPLATE_PART = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{|$)/y;

/** Where a slash begins a regular expression and does not divide: after an operator or such a word. */
const BEFORE_REGEX =
  /(?:^|[^\w$)\]}'"`\s]|\b(?:return|typeof|case|in|of|throw|new|else|do|await|yield))\s*$/;

/** Blanks comments (`code`), and also the insides of strings, templates and regexes (`skeleton`). */
function maskSource(text: string): { code: string; skeleton: string } {
  let code = '';
  let skeleton = '';
  let depth = 0;
  const templateDepths: number[] = [];
  const take = (part: string, asCode: string, asSkeleton: string) => {
    code += asCode;
    skeleton += asSkeleton;
    return part.length;
  };
  const takeLiteral = (part: string, closing: number) => {
    const inside = part.slice(1, Math.max(1, part.length - closing));
    return take(part, part, part.charAt(0) + blank(inside) + part.slice(1 + inside.length));
  };
  const match = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const takeTemplate = (at: number) => {
    const part = text.charAt(at) + (match(TEMPLATE_PART, at + 1) ?? '');
    if (part.endsWith('${')) templateDepths.push(depth);
    return takeLiteral(part, part.endsWith('${') ? 2 : 1);
  };
  for (let at = 0; at < text.length; ) {
    const char = text.charAt(at);
    const comment =
      char === '/' ? (match(LINE_COMMENT, at) ?? match(BLOCK_COMMENT, at)) : undefined;
    if (comment !== undefined) {
      at += take(comment, blank(comment), blank(comment));
      continue;
    }
    if (char === "'" || char === '"') at += takeLiteral(match(STRING, at) ?? char, 1);
    else if (char === '`') at += takeTemplate(at);
    else if (char === '}' && templateDepths.at(-1) === depth) {
      templateDepths.pop();
      at += takeTemplate(at);
    } else {
      const isRegex = char === '/' && BEFORE_REGEX.test(skeleton.slice(-80));
      const regex = isRegex ? match(REGEX, at) : undefined;
      if (char === '{') depth += 1;
      if (char === '}') depth -= 1;
      at += regex === undefined ? take(char, char, char) : takeLiteral(regex, 1);
    }
  }
  return { code, skeleton };
}

const blank = (part: string) => part.replace(/[^\n]/g, ' ');
