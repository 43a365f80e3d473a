/** A piece of a templated text: literal text, or the source of one `{{ }}`. Offsets count UTF-16 units from the start of the text. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string; readonly offset: number; readonly end: number }
  | {
      readonly kind: 'expression';
      readonly source: string;
      /** Where `{{` stands, and the first place behind `}}`. */
      readonly offset: number;
      readonly end: number;
      /** Where `source` begins. */
      readonly sourceOffset: number;
    };

/** `unclosed`: the offset of a `{{` without `}}`; what follows it is not in `segments`. */
export type Segments = { readonly segments: readonly Segment[]; readonly unclosed: number | undefined };

/** Splits a text at its `{{ }}`. Strings and braces inside an expression may contain `}}`. */
export function splitTemplate(text: string): Segments {
  const segments: Segment[] = [];
  let position = 0;
  while (position < text.length) {
    const open = text.indexOf('{{', position);
    if (open !== position) {
      const end = open < 0 ? text.length : open;
      segments.push({ kind: 'text', text: text.slice(position, end), offset: position, end });
    }
    if (open < 0) break;
    const close = findClose(text, open + 2);
    if (close < 0) return { segments, unclosed: open };
    const source = text.slice(open + 2, close);
    segments.push({ kind: 'expression', source, offset: open, end: close + 2, sourceOffset: open + 2 });
    position = close + 2;
  }
  return { segments, unclosed: undefined };
}

/** The offset of the `}}` that ends the expression beginning at `from`, or -1. */
function findClose(text: string, from: number): number {
  let braces = 0;
  let position = from;
  while (position < text.length) {
    const character = text[position];
    if (character === '"' || character === "'") {
      position = skipString(text, position);
      continue;
    }
    if (character === '}' && braces === 0 && text[position + 1] === '}') return position;
    if (character === '{') braces++;
    if (character === '}') braces--;
    position++;
  }
  return -1;
}

/** The offset behind a CEL string literal that begins at `start`: single or triple quotes, backslash escapes, `r` for raw. */
export function skipString(text: string, start: number): number {
  const quote = text[start] ?? '';
  const delimiter = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  const raw = /[rR][bB]?$/.test(text.slice(Math.max(0, start - 2), start));
  let position = start + delimiter.length;
  while (position < text.length) {
    if (text.startsWith(delimiter, position)) return position + delimiter.length;
    position += text[position] === '\\' && !raw ? 2 : 1;
  }
  return text.length;
}
