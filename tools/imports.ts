import { type Token, tokensOf } from './tokens.ts';

/** A module that another module names. */
export type Import = {
  /** As written; null where it is computed and cannot be known. */
  readonly specifier: string | null;
  /** Of the keyword; counts from 1. */
  readonly line: number;
  /** True for `import type` and `export type`, which leave nothing at run time. */
  readonly typeOnly: boolean;
};

/** Static and dynamic imports, re-exports and `require`, in the order of the text. */
export function importsOf(source: string): Import[] {
  const tokens = tokensOf(source);
  return tokens.flatMap((token, at) => {
    if (token.kind !== 'word' || isSign(tokens[at - 1], '.')) return [];
    if (token.text !== 'import' && token.text !== 'export' && token.text !== 'require') return [];
    return readImport(token, tokens, at + 1);
  });
}

/** What the keyword imports; `at` is the place behind it. */
function readImport(keyword: Token, tokens: readonly Token[], at: number): Import[] {
  const { text, line } = keyword;
  const next = tokens[at];
  if (text !== 'export' && isSign(next, '(')) {
    const argument = tokens[at + 1];
    // A method of that name has no argument.
    if (!argument || isSign(argument, ')')) return [];
    return [{ specifier: argument.kind === 'string' ? argument.text : null, line, typeOnly: false }];
  }
  if (text === 'require') return [];
  if (text === 'import' && next?.kind === 'string') return [{ specifier: next.text, line, typeOnly: false }];
  const typeOnly = next?.text === 'type' && !['from', ',', '='].includes(tokens[at + 1]?.text ?? '');
  const specifier = clauseSource(tokens, typeOnly ? at + 1 : at, text === 'export');
  return specifier === null ? [] : [{ specifier, line, typeOnly }];
}

/** The specifier behind `from`, when what begins here is `* as x`, `{ … }` or, in an import, `name` or `name, { … }`. */
function clauseSource(tokens: readonly Token[], at: number, isExport: boolean): string | null {
  const first = tokens[at]?.text ?? '';
  if (isExport && first !== '*' && first !== '{') return null;
  for (let i = at; i < tokens.length; i++) {
    const token = tokens[i];
    const next = tokens[i + 1];
    if (token?.text === 'from' && next?.kind === 'string') return next.text;
    if (token?.kind === 'sign' && !'{},*'.includes(token.text)) return null;
    if (isSign(token, '}') && next?.text !== 'from') return null;
  }
  return null;
}

function isSign(token: Token | undefined, text: string): boolean {
  return token?.kind === 'sign' && token.text === text;
}
