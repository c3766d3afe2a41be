// A strict JSON reader for headers that strangers wrote. Unlike JSON.parse it refuses a key given twice, keeps numbers as they are
// written (so nothing is rounded before it is checked), returns Maps (so `__proto__` is a key like any other) and bounds nesting.

export type JsonValue = string | boolean | null | JsonNumber | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;
/** A number's own text. */
export interface JsonNumber {
  readonly number: string;
}
/** What is wrong and at which character. */
export class JsonError extends Error {
  override name = 'JsonError';
}

const maxDepth = 16;
const blanks = /[ \t\n\r]*/y;
const numbers = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escapes = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const words: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** Reads one JSON value with blanks around it. @throws JsonError */
export function scanJson(text: string): JsonValue {
  let at = 0;
  const fail = (what: string): never => {
    throw new JsonError(`${what} at character ${at}`);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const eat = (c: string): boolean => {
    match(blanks);
    if (text[at] !== c) return false;
    at++;
    return true;
  };
  const string = (): string => {
    if (!eat('"')) fail('a string is expected');
    const start = at - 1;
    // by hand: a pattern with a repeated choice overflows its stack on strings of megabytes
    for (let c = text.charCodeAt(at); c !== 0x22; c = text.charCodeAt(at)) {
      if (Number.isNaN(c)) fail('the text ends in a string');
      if (c < 0x20) fail('a control character in a string');
      if (c !== 0x5c) at++;
      else if (match(escapes) === undefined) fail('an unknown escape');
    }
    at++;
    const value = JSON.parse(text.slice(start, at)) as string; // checked above: only escapes are left to undo
    return value.isWellFormed() ? value : fail('a string with half a surrogate pair');
  };
  const value = (depth: number): JsonValue => {
    if (depth > maxDepth) fail(`nesting deeper than ${maxDepth}`);
    if (eat('{')) {
      const map = new Map<string, JsonValue>();
      if (eat('}')) return map;
      do {
        const key = string();
        if (map.has(key)) fail(`the key ${JSON.stringify(key)} stands twice`);
        if (!eat(':')) fail('a colon is expected');
        map.set(key, value(depth + 1));
      } while (eat(','));
      return eat('}') ? map : fail('a comma or } is expected');
    }
    if (eat('[')) {
      const list: JsonValue[] = [];
      if (eat(']')) return list;
      do list.push(value(depth + 1));
      while (eat(','));
      return eat(']') ? list : fail('a comma or ] is expected');
    }
    if (text[at] === '"') return string();
    const number = match(numbers);
    if (number !== undefined) return { number };
    for (const [word, meaning] of words)
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    return fail(at < text.length ? 'a value is expected' : 'the text ends early');
  };
  const all = value(0);
  match(blanks);
  return at === text.length ? all : fail('more text');
}
