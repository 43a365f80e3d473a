/** A stretch of a SQL text: `isCode` is false for literals, quoted identifiers and comments. */
type Stretch = { readonly isCode: boolean; readonly text: string };

// In this order: line comment, block comment, 'text' with E'' escapes or without, "identifier", $tag$text$tag$.
const quoted =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|(?<![\w$])[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|(?<![\w$])\$([A-Za-z_]\w*)?\$[\s\S]*?(?:\$\1\$|$)/g;

function stretches(sql: string): Stretch[] {
  const found: Stretch[] = [];
  let position = 0;
  for (const match of sql.matchAll(quoted)) {
    found.push({ isCode: true, text: sql.slice(position, match.index) }, { isCode: false, text: match[0] });
    position = match.index + match[0].length;
  }
  return [...found, { isCode: true, text: sql.slice(position) }];
}

/** The text with `$1`, `$2`, … counted on from `offset`, so that statements with parameters can be put together. */
export function shiftParameters(sql: string, offset: number): string {
  if (offset === 0) return sql;
  return stretches(sql)
    .map(({ isCode, text }) => (isCode ? text.replace(/\$(\d+)/g, (_, index) => `$${Number(index) + offset}`) : text))
    .join('');
}

/** The text up to the `;` that ends its first statement, so that it can stand in parentheses. */
export function withoutTerminator(sql: string): string {
  let length = 0;
  for (const { isCode, text } of stretches(sql)) {
    const end = isCode ? text.indexOf(';') : -1;
    if (end >= 0) return sql.slice(0, length + end);
    length += text.length;
  }
  return sql;
}

/** The first word of the statement, in lower case; empty for a text without code. */
export function firstWord(sql: string): string {
  const code = stretches(sql)
    .filter(({ isCode, text }) => isCode || !/^(--|\/\*)/.test(text))
    .map(({ text }) => text)
    .join(' ');
  return /^[\s(]*(\w*)/.exec(code)?.[1]?.toLowerCase() ?? '';
}
