import { isAlias, isMap, isScalar, isSeq, type Scalar } from 'yaml';
import { keyText, type YamlDocument } from './yaml.ts';

export type Path = readonly (string | number)[];

/** A stretch of a file, in UTF-16 units. */
export type Range = { readonly offset: number; readonly end: number };

/**
 * Where `path` stands in a document. `key`: the name of the field; `value`: what it holds. When the path ends earlier than asked,
 * the last node on the way is taken, so that there is always a place to point at.
 */
export function locate(document: YamlDocument, path: Path, on: 'key' | 'value'): Range & { node?: Scalar } {
  let node: unknown = document.contents;
  let key: unknown;
  for (const step of path) {
    const resolved = isAlias(node) ? node.resolve(document) : node;
    const next = child(resolved, step);
    if (!next) break;
    [node, key] = next;
  }
  const start = document.range[0];
  const range = (on === 'key' ? rangeOf(key) : undefined) ??
    rangeOf(node) ??
    rangeOf(key) ?? { offset: start, end: start + 1 };
  return isScalar(node) && on === 'value' ? { ...range, node } : range;
}

function child(node: unknown, step: string | number): [value: unknown, key: unknown] | undefined {
  if (isMap(node)) {
    // The last of repeated keys is the one whose value counts.
    const pair = node.items.findLast((item) => keyText(item.key) === String(step));
    return pair && [pair.value ?? pair.key, pair.key];
  }
  if (isSeq(node) && Number(step) in node.items) return [node.items[Number(step)], node.items[Number(step)]];
  return undefined;
}

function rangeOf(node: unknown): Range | undefined {
  const range = typeof node === 'object' && node !== null && 'range' in node ? (node as Scalar).range : undefined;
  return range ? { offset: range[0], end: Math.max(range[1], range[0] + 1) } : undefined;
}

/**
 * Where the character at `offset` of a scalar’s value stands in the file. Exact for block literals and for scalars that are written
 * as they read; otherwise, with escapes or folded lines, the start of the scalar.
 */
export function locateInScalar(text: string, scalar: Scalar, range: Range, offset: number): number {
  const value = String(scalar.value);
  if (scalar.type === 'BLOCK_LITERAL') return locateInBlock(text, value, range, offset);
  for (const quote of [0, 1]) {
    const begin = range.offset + quote;
    if (text.startsWith(value, begin)) return begin + offset;
  }
  return range.offset;
}

function locateInBlock(text: string, value: string, range: Range, offset: number): number {
  const before = value.slice(0, offset);
  const line = before.split('\n').length - 1;
  const column = offset - (before.lastIndexOf('\n') + 1);
  // The lines of the value follow the `|` line one by one, each behind the same indentation.
  let start = text.indexOf('\n', range.offset) + 1;
  for (let skipped = 0; skipped < line; skipped++) start = text.indexOf('\n', start) + 1;
  const wanted = value.split('\n')[line] ?? '';
  const end = text.indexOf('\n', start);
  const indent = (end < 0 ? text.length : end) - start - wanted.length - (text[end - 1] === '\r' ? 1 : 0);
  return start + Math.max(0, indent) + column;
}
