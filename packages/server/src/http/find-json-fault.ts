/** Where a text stops being JSON, and what should stand there, as a phrase. */
export interface JsonFault {
  offset: number;
  expected: string;
}

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
/** Without a group around it, so that a string of megabytes does not recurse in the engine. */
const PLAIN = /[^"\\\u0000-\u001f]*/y;

/**
 * Finds the first fault by RFC 8259; `null` if there is none. JSON.parse tells the place of some
 * faults only, and quotes the body, which may hold what must not be in an answer.
 */
export function findJsonFault(text: string): JsonFault | null {
  /** The closing brackets that are owed. */
  const open: string[] = [];
  let wanted: 'value' | 'key' | 'colon' | 'more' = 'value';
  let mayClose = false;
  let at = skip(SPACE, text, 0);
  for (;;) {
    const char = text[at];
    const closer = open.at(-1);
    if (wanted === 'more' && closer === undefined) {
      return char === undefined ? null : { offset: at, expected: 'nothing more' };
    }
    if (mayClose && closer !== undefined && char === closer) {
      open.pop();
      at += 1;
      wanted = 'more';
      mayClose = true;
    } else if (wanted === 'colon' || wanted === 'more') {
      const sign = wanted === 'colon' ? ':' : ',';
      const choice = wanted === 'colon' ? '":"' : `"," or "${closer}"`;
      if (char !== sign) return { offset: at, expected: choice };
      at += 1;
      wanted = wanted === 'more' && closer === '}' ? 'key' : 'value';
      mayClose = false;
    } else if (wanted === 'value' && (char === '{' || char === '[')) {
      open.push(char === '{' ? '}' : ']');
      at += 1;
      wanted = char === '{' ? 'key' : 'value';
      mayClose = true;
    } else {
      const end = wanted === 'key' ? skipKey(text, at) : skipScalar(text, at);
      if (typeof end !== 'number') return end;
      at = end;
      wanted = wanted === 'key' ? 'colon' : 'more';
      mayClose = wanted === 'more';
    }
    at = skip(SPACE, text, at);
  }
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  return match === null ? at : at + match[0].length;
}

function skipKey(text: string, at: number): number | JsonFault {
  if (text[at] !== '"') return { offset: at, expected: 'a name in double quotes' };
  return skipString(text, at);
}

function skipScalar(text: string, at: number): number | JsonFault {
  if (text[at] === '"') return skipString(text, at);
  const afterWord = skip(WORD, text, at);
  const end = afterWord > at ? afterWord : skip(NUMBER, text, at);
  return end > at ? end : { offset: at, expected: 'a value' };
}

function skipString(text: string, start: number): number | JsonFault {
  let at = start + 1;
  for (;;) {
    at = skip(PLAIN, text, at);
    const char = text[at];
    if (char === '"') return at + 1;
    if (char === undefined) return { offset: at, expected: 'the closing quote of a string' };
    if (char !== '\\') return { offset: at, expected: 'an escape such as \\n or \\t' };
    const end = skip(ESCAPE, text, at);
    if (end === at)
      return {
        offset: at,
        expected: 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX',
      };
    at = end;
  }
}
