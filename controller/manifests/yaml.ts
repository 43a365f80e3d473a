import {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  isCollection as isCollectionNode,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  Parser,
  type Scalar,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

export type YamlNode = Scalar | YAMLMap | YAMLSeq | Alias;
export type YamlDocument = Document.Parsed;

/** A fault of a document that no schema sees: `offset` and `end` count UTF-16 units in the file. */
export type YamlFault = {
  readonly code: 'syntax' | 'duplicate-key' | 'unquoted-expression' | 'bad-name' | 'wrong-type';
  readonly offset: number;
  readonly end: number;
  readonly message: string;
};

/** The most nodes that the aliases of one document may stand for, against alias bombs. */
const maxAliasCount = 100;

/** The deepest nesting of maps and lists in a document. */
const maxDepth = 100;

/** Reads YAML 1.2 with the core schema: no merge keys, no tags but the core’s own. Throws for texts nested too deeply. */
export function parseYaml(text: string): YamlDocument[] {
  const composer = new Composer<YamlDocument['contents'] & YamlNode, true>({
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    // The library compares every key with every other one; `structureFaults` looks them up instead.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  return [...composer.compose(limited(new Parser().parse(text)))] as YamlDocument[];
}

/** Composing is recursive, and where the stack ends the library tries again at every level: it would run for hours. */
function* limited(tokens: Iterable<CST.Token>): Iterable<CST.Token> {
  for (const token of tokens) {
    if (token.type === 'document') checkDepth(token.value, maxDepth);
    yield token;
  }
}

function checkDepth(token: CST.Token | undefined | null, left: number): void {
  if (!token || !('items' in token)) return;
  if (left === 0) throw new RangeError(`nested deeper than ${maxDepth} levels`);
  for (const { key, value } of token.items as CST.CollectionItem[]) {
    checkDepth(key, left - 1);
    checkDepth(value, left - 1);
  }
}

/** Whether there is nothing between two `---` but comments. */
export function isEmpty({ contents }: YamlDocument): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

/** The first syntax fault of a document. Further ones mostly follow from it. */
export function syntaxFault(text: string, document: YamlDocument): YamlFault | undefined {
  const error: YAMLError | undefined = document.errors[0] ?? document.warnings[0];
  if (!error) return undefined;
  const [offset, end] = error.pos;
  const message = `this is not readable as YAML (${error.message}); ${wayOut(text, error)}`;
  return { code: 'syntax', offset, end, message };
}

function wayOut(text: string, error: YAMLError): string {
  const lineStart = text.lastIndexOf('\n', error.pos[0] - 1) + 1;
  const line = text.slice(lineStart, (text.indexOf('\n', error.pos[0]) + 1 || text.length + 1) - 1);
  if (/:\s+\{\{/.test(line)) return 'put text that begins with `{{` in quotes';
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'indent with spaces instead of tabs';
    case 'BAD_INDENT':
      return 'align it with its neighbours';
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return 'put text that contains ": " in quotes';
    case 'TAG_RESOLVE_FAILED':
      return 'remove the tag';
    default:
      return 'correct this line or the one before it';
  }
}

/** The plain value of a document, or a fault when an alias has no anchor or aliases stand for too much. */
export function toValue(document: YamlDocument): { value: unknown } | YamlFault {
  try {
    return { value: document.toJS({ maxAliasCount }) };
  } catch {
    const alias = findUnresolved(document.contents, new Set());
    if (alias) {
      const message = `"*${alias.source}" repeats an anchor that does not stand before it; correct the name, or put the text in quotes`;
      return { code: 'syntax', ...rangeOf(alias, document), message };
    }
    const message = `aliases repeat more than ${maxAliasCount} nodes here; write the repeated parts out`;
    return { code: 'syntax', offset: document.range[0], end: document.range[0] + 1, message };
  }
}

function findUnresolved(node: unknown, anchors: Set<string>): Alias | undefined {
  if (isAlias(node)) return anchors.has(node.source) ? undefined : node;
  if (isNode(node) && node.anchor !== undefined) anchors.add(node.anchor);
  if (!isCollectionNode(node)) return undefined;
  const inner = node.items.flatMap((item) => (isPair(item) ? [item.key, item.value] : [item]));
  for (const each of inner) {
    const found = findUnresolved(each, anchors);
    if (found) return found;
  }
  return undefined;
}

/** Faults of structure: keys that are maps, repeated keys, names that JavaScript keeps, numbers that JSON cannot hold. */
export function structureFaults(document: YamlDocument): YamlFault[] {
  const faults: YamlFault[] = [];
  visit(document.contents, faults);
  return faults;
}

function visit(node: unknown, faults: YamlFault[]): void {
  if (isMap(node)) visitMap(node, faults);
  else if (isSeq(node)) for (const item of node.items) visit(item, faults);
  else if (isScalar(node) && typeof node.value === 'number') visitNumber(node, faults);
}

function visitMap(map: YAMLMap, faults: YamlFault[]): void {
  const seen = new Set<string>();
  for (const { key, value } of map.items as Pair<unknown, unknown>[]) {
    const name = keyText(key);
    if (name === undefined) {
      const message = 'a key is itself a map or list; put text that begins with `{` or `[` in quotes';
      faults.push({ code: 'unquoted-expression', ...rangeOf(map, map), message });
      continue;
    }
    if (seen.has(name))
      faults.push({
        code: 'duplicate-key',
        ...rangeOf(key, map),
        message: `"${name}" stands here a second time; keep one of them`,
      });
    if (name === '__proto__')
      faults.push({
        code: 'bad-name',
        ...rangeOf(key, map),
        message: '"__proto__" cannot be a name; choose another one',
      });
    seen.add(name);
    visit(value, faults);
  }
}

function visitNumber(node: Scalar, faults: YamlFault[]): void {
  const value = node.value as number;
  if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return;
  const message = `"${node.source ?? value}" is not a number that can be kept exactly; put it in quotes`;
  faults.push({ code: 'wrong-type', ...rangeOf(node, node), message });
}

function rangeOf(
  node: unknown,
  fallback: { range?: readonly [number, number, number] | null | undefined },
): { offset: number; end: number } {
  const own = typeof node === 'object' && node !== null && 'range' in node ? (node as Scalar).range : undefined;
  const range = own ?? fallback.range ?? [0, 1, 1];
  return { offset: range[0], end: range[1] };
}

/** The text of a map’s key as `toJS` makes it, or undefined when the key is a map or list. */
export function keyText(key: unknown): string | undefined {
  if (isScalar(key)) return String(key.value ?? '');
  return isAlias(key) ? `*${key.source}` : undefined;
}
