import type { Segment, Segments } from './segments.ts';

export type Quoting = 'string' | 'identifier' | 'comment';

type State = { quoting: Quoting | undefined; close: string; depth: number };

/**
 * The `{{ }}` of a SQL text that stand inside a literal, a quoted identifier or a comment. Bound as a parameter there, they would
 * be plain text for the engine. Knows single, double and dollar quotes, `E''` escapes, `--` and nested block comments.
 */
export function quotedExpressions({ segments }: Segments): { segment: Segment; quoting: Quoting }[] {
  const found: { segment: Segment; quoting: Quoting }[] = [];
  const state: State = { quoting: undefined, close: '', depth: 0 };
  for (const segment of segments) {
    if (segment.kind === 'text') scan(segment.text, state);
    else if (state.quoting) found.push({ segment, quoting: state.quoting });
  }
  return found;
}

/** The SQL as the engine understands it: comments left out, and one space where any white space stands outside of quotes. */
export function sqlWithoutComments({ segments }: Segments): string {
  let kept = '';
  const state: State = { quoting: undefined, close: '', depth: 0 };
  for (const segment of segments) {
    if (segment.kind === 'expression') {
      kept += `{{${segment.source.trim()}}}`;
      continue;
    }
    const { text } = segment;
    for (let position = 0; position < text.length; ) {
      const before = state.quoting;
      const next = before ? scanQuoted(text, position, state) : scanOpen(text, position, state);
      const piece = text.slice(position, next);
      const isComment = before === 'comment' || state.quoting === 'comment';
      const isSpace = isComment || (!before && !state.quoting && piece.trim() === '');
      if (!isSpace) kept += piece;
      else if (!kept.endsWith(' ')) kept += ' ';
      position = next;
    }
  }
  return kept.trim();
}

function scan(text: string, state: State): void {
  let position = 0;
  while (position < text.length) {
    position = state.quoting ? scanQuoted(text, position, state) : scanOpen(text, position, state);
  }
}

function enter(state: State, quoting: Quoting, close: string): void {
  state.quoting = quoting;
  state.close = close;
  state.depth = 1;
}

function scanOpen(text: string, position: number, state: State): number {
  const two = text.slice(position, position + 2);
  if (two === '--') enter(state, 'comment', '\n');
  else if (two === '/*') enter(state, 'comment', '*/');
  if (state.quoting) return position + 2;
  const character = text[position] ?? '';
  if (character === '"') enter(state, 'identifier', '"');
  if (character === "'") enter(state, 'string', escapes(text, position) ? "\\'" : "'");
  if (character === '$' && !/[\w$]/.test(text[position - 1] ?? '')) {
    const [delimiter] = /^\$(?:[A-Za-z_]\w*)?\$/.exec(text.slice(position, position + 66)) ?? [];
    if (delimiter) {
      enter(state, 'string', delimiter);
      return position + delimiter.length;
    }
  }
  return position + 1;
}

/** Whether the quote at `position` opens an `E'…'` literal, in which a backslash escapes. */
function escapes(text: string, position: number): boolean {
  return /(^|[^\w$])[eE]$/.test(text.slice(Math.max(0, position - 2), position));
}

function scanQuoted(text: string, position: number, state: State): number {
  const backslash = state.close === "\\'";
  const close = backslash ? "'" : state.close;
  if (backslash && text[position] === '\\') return position + 2;
  if (close === '*/' && text.startsWith('/*', position)) {
    state.depth++;
    return position + 2;
  }
  if (!text.startsWith(close, position)) return position + 1;
  // A doubled quote closes and opens again, which leaves the state as it should be for the next character.
  state.depth--;
  if (state.depth === 0) state.quoting = undefined;
  return position + close.length;
}
