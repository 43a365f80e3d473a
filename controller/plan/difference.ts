import { createTwoFilesPatch } from 'diff';
import type { CodeChange, Difference, FieldChange, Value } from './plan.ts';

/** What is made from the rest, and where things stand in their files: a moved file changes nothing. */
const derived = /^(digest|.*Digest|file|line|origin|environment|secrets)$/;

/** Every field that differs. What has a `name` in a list is compared with its namesake, wherever it stands. */
export function differenceOf(before: Value, after: Value): Difference {
  const fields: FieldChange[] = [];
  const code: CodeChange[] = [];
  walk('', before, after, (path, one, other) => {
    if (isCode(one) || isCode(other)) code.push({ path, diff: unified(path, one, other) });
    else fields.push({ path, before: one, after: other });
  });
  return { fields, code };
}

type Tell = (path: string, before: Value, after: Value) => void;

function walk(path: string, before: Value, after: Value, tell: Tell): void {
  const [one, other] = [namesOf(before), namesOf(after)];
  if (one && (other || after === undefined)) walkKeys(path, one, other ?? {}, tell);
  else if (other && before === undefined) walkKeys(path, {}, other, tell);
  else if (JSON.stringify(before) !== JSON.stringify(after)) tell(path, before, after);
}

function walkKeys(path: string, before: Members, after: Members, tell: Tell): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!derived.test(key)) walk(path === '' ? key : `${path}.${key}`, before[key], after[key], tell);
  }
}

type Members = { readonly [key: string]: Value };

/** The members of a map, or of a list of things with names; undefined for anything else. */
function namesOf(value: Value): Members | undefined {
  if (Array.isArray(value)) {
    const entries = value.map((item): [unknown, Value] => [isMap(item) ? item.name : undefined, item]);
    if (value.length === 0 || entries.some(([name]) => typeof name !== 'string')) return undefined;
    return Object.fromEntries(entries.map(([name, item]) => [name, withoutName(item)]));
  }
  return isMap(value) ? value : undefined;
}

function withoutName(item: Value): Value {
  if (!isMap(item)) return item;
  const { name: _name, ...rest } = item;
  return rest;
}

function isMap(value: Value): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCode(value: Value): value is string {
  return typeof value === 'string' && value.trimEnd().includes('\n');
}

function unified(path: string, before: Value, after: Value): string {
  const textOf = (value: Value) => (typeof value === 'string' ? `${value.trimEnd()}\n` : '');
  const patch = createTwoFilesPatch(path, path, textOf(before), textOf(after), undefined, undefined, { context: 3 });
  // Without the four lines that name the files: the path says it.
  const lines = patch.split('\n');
  return lines
    .slice(lines.findIndex((line) => line.startsWith('@@')))
    .join('\n')
    .trimEnd();
}
