/**
 * The tokens of a TypeScript module. TypeScript 7 has no compiler API, and a search over the plain text would find imports
 * in comments, strings and templates too.
 */
export type Token = {
  readonly kind: 'word' | 'string' | 'regex' | 'sign';
  readonly text: string;
  readonly line: number;
};

/** Words after which a slash begins a regular expression and not a division. */
const beforeRegex = new Set('return typeof case in of do else void delete throw new instanceof yield await'.split(' '));

const shapes = {
  space: /\s+|\/\/[^\n]*|\/\*.*?\*\//sy,
  string: /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/sy,
  /** From behind a backtick, or behind the brace that ends a `${…}`, to the next of them. */
  template: /(?:\\.|\$(?!\{)|[^`\\$])*(?:`|\$\{|$)/sy,
  regex: /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y,
  word: /[\p{ID_Start}$_#@][\p{ID_Continue}$]*|\d[\w.]*/uy,
  sign: /./suy,
} as const;

/**
 * Words, strings (their text without quotes), regular expressions and signs of one character. Comments are left out; of a
 * template stay the first backtick, each `${` and the code behind it. Lines count from 1.
 */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  const reader = createReader(source);
  // One entry for each `${` that is open: how many braces are open inside it.
  const open: number[] = [];
  for (let token = nextToken(reader, null); token; token = nextToken(reader, tokens.at(-1) ?? null)) {
    const template = entersTemplate(token, open);
    if (!template || token.text === '`') tokens.push(token);
    if (!template && open.length > 0) open.push((open.pop() ?? 0) + braces(token));
    if (template && reader.take('template').endsWith('${')) {
      open.push(0);
      tokens.push({ kind: 'sign', text: '${', line: reader.line() });
    }
  }
  return tokens;
}

/** Whether template text follows: behind a backtick, or behind the brace that ends the innermost `${`, which is closed. */
function entersTemplate(token: Token, open: number[]): boolean {
  if (token.kind !== 'sign') return false;
  if (token.text !== '}' || open.at(-1) !== 0) return token.text === '`';
  open.pop();
  return true;
}

function braces(token: Token): number {
  if (token.kind !== 'sign') return 0;
  if (token.text === '{') return 1;
  return token.text === '}' ? -1 : 0;
}

type Reader = ReturnType<typeof createReader>;

function createReader(source: string) {
  let at = 0;
  let line = 1;
  return {
    line: () => line,
    /** The text of that shape that begins here, and steps behind it; empty when none does. */
    take(shape: keyof typeof shapes): string {
      const pattern = new RegExp(shapes[shape]);
      pattern.lastIndex = at;
      const text = pattern.exec(source)?.[0] ?? '';
      at += text.length;
      line += text.split('\n').length - 1;
      return text;
    },
  };
}

function nextToken(reader: Reader, before: Token | null): Token | null {
  while (reader.take('space'));
  const line = reader.line();
  const string = reader.take('string');
  if (string) return { kind: 'string', text: string.slice(1, -1), line };
  const regex = regexMayBegin(before) ? reader.take('regex') : '';
  if (regex) return { kind: 'regex', text: regex, line };
  const word = reader.take('word');
  if (word) return { kind: 'word', text: word, line };
  const sign = reader.take('sign');
  return sign ? { kind: 'sign', text: sign, line } : null;
}

function regexMayBegin(before: Token | null): boolean {
  if (!before) return true;
  if (before.kind === 'word') return beforeRegex.has(before.text);
  return before.kind === 'sign' && !')]}`'.includes(before.text);
}
