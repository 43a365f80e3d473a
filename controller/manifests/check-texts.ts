import type { ScopeNames, TemplateProblem } from '../expressions/template.ts';
import { checkCondition, checkSql, checkTemplate } from '../expressions/template.ts';
import type { Context } from './context.ts';
import { resolveReference } from './files.ts';
import type { Path } from './locate.ts';
import { at, fieldSubject, isSound, type Manifest } from './manifest.ts';
import { type ManifestString, stringsOf } from './strings.ts';

type Options = {
  readonly context: Context;
  readonly manifest: Manifest;
  /** The definition of the schema that `manifest.value.spec` follows. */
  readonly definition: 'PipelineSpec' | 'BlockSpec' | 'ConnectionSpec';
  /** What expressions may name in a text at `path`. */
  readonly names: (path: Path, text: string) => ScopeNames;
};

/** Checks every text of a manifest: expressions where they are evaluated, none where they are not, and SQL in files. */
export function checkTexts({ context, manifest, definition, names }: Options): void {
  for (const string of stringsOf(definition, manifest.value.spec, ['spec'])) {
    if (!isSound(manifest, string.path)) continue;
    const { path, text } = string;
    if (isFileOfSql(path)) checkSqlFile(context, manifest, string, names);
    else
      for (const problem of problemsOf(context, string, names(path, text)))
        reportText(context, manifest, path, problem);
  }
}

function problemsOf(
  context: Context,
  string: ManifestString,
  names: ScopeNames,
): readonly (TemplateProblem | NotTemplated)[] {
  const { text, path, isSql, isTemplated } = string;
  const field = path.at(-1);
  if (field === 'when') return checkCondition(text, names);
  if (isTemplated && !text.includes('{{')) return [];
  const check = () => (isSql ? checkSql : checkTemplate)(text, names);
  // Names with outputs hold all blocks: as a key they would cost more than what they save.
  if (isTemplated) return names.outputs ? check() : context.once(JSON.stringify([isSql, names, text]), check);
  const offset = field === 'description' ? -1 : text.indexOf('{{');
  if (offset < 0) return [];
  const message = 'a {{ }} is not evaluated in this field; write the value itself';
  return [{ code: 'not-templated', offset, length: 2, message }];
}

type NotTemplated = { readonly code: 'not-templated'; offset: number; length: number; message: string };

function reportText(context: Context, manifest: Manifest, path: Path, problem: TemplateProblem | NotTemplated): void {
  const { code, offset, length, message } = problem;
  const text = `${fieldSubject(manifest, manifest.value, path)}: ${message}`;
  context.diagnostics.at(manifest, { path, within: { offset, length } }, code, text);
}

/** Whether a path ends in `sql: {file}`. */
function isFileOfSql(path: Path): boolean {
  return path.at(-1) === 'file' && path.at(-2) === 'sql';
}

function checkSqlFile(
  context: Context,
  manifest: Manifest,
  { text, path }: ManifestString,
  names: Options['names'],
): void {
  const { diagnostics, files } = context;
  const subject = fieldSubject(manifest, manifest.value, path);
  const found = resolveReference(files, manifest.file, text);
  if ('message' in found) {
    diagnostics.at(manifest, { path }, found.code, `${subject}: ${found.message}`);
    return;
  }
  const sql = files.get(found.path) ?? '';
  for (const { code, offset, length, message } of checkSql(sql, names(path, sql))) {
    diagnostics.inFile(found.path, { offset, end: offset + length }, code, `${subject}: ${message}`, manifest);
  }
}

/** Whether a Block’s body can only work in a run with a window. */
export function needsWindow(context: Context, manifest: Extract<Manifest, { kind: 'Block' }>): boolean {
  const { spec } = manifest.value;
  if (spec.export?.postgres.write.mode === 'replaceWindow') return true;
  const names: ScopeNames = { ...blockNames(manifest), window: 'absent' };
  return stringsOf('BlockSpec', spec, ['spec']).some(({ text, path, isTemplated }) => {
    const reference = isFileOfSql(path) ? resolveReference(context.files, manifest.file, text) : undefined;
    if (!reference && !isTemplated) return false;
    const content = reference && 'path' in reference ? (context.files.get(reference.path) ?? '') : text;
    return checkTemplate(content, names).some(({ code }) => code === 'window-needed');
  });
}

/** Inside a Block only its parameters and the window are names. */
export function blockNames({ value }: Extract<Manifest, { kind: 'Block' }>): ScopeNames {
  const variables = Object.keys((at(value, ['spec', 'parameters']) as object | undefined) ?? {});
  return { variables, window: 'present', run: false, environment: false };
}
