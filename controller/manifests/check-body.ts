import type { Check, Export, Load, PipelineBlock } from '../../schemas/generated/types.ts';
import { parseTableName } from '../../schemas/table-name.ts';
import { checkContainer } from './check-container.ts';
import { type Context, createReport, type Report } from './context.ts';
import type { Path } from './locate.ts';
import type { Manifest } from './manifest.ts';
import { hasPassword, isSecretHeader } from './secrets.ts';

/** What a block does, in a Pipeline or in a Block. */
export type Body = Pick<PipelineBlock, 'load' | 'transform' | 'export' | 'container' | 'checks'>;

type Options = { context: Context; manifest: Manifest; body: Body; path: Path };
type Part = { readonly context: Context; readonly report: Report; readonly path: Path };

/** Checks what schemas cannot say of a body: forms that exclude each other, connections, write modes, secrets. */
export function checkBody({ context, manifest, body, path }: Options): void {
  const report = createReport(context, manifest);
  const part = (field: string): Part => ({ context, report, path: [...path, field] });
  if (body.load) checkLoad(body.load, part('load'));
  if (body.export) checkExport(body.export, part('export'));
  const checks = body.checks ?? [];
  if (body.container) checkContainer(body.container, report, [...path, 'container']);
  const rowless = body.container ? 'a container has no rows' : body.export && 'an export has no rows of its own';
  if (rowless && checks.length > 0) {
    const message = `cannot stand here, since ${rowless}; move them to the block it reads`;
    report([...path, 'checks'], 'bad-value', message, { on: 'key' });
  }
  for (const [index, check] of checks.entries())
    checkOneForm(report, [...path, 'checks', index], check, ['expect', 'sql'] satisfies (keyof Check)[]);
}

/** Reports unless exactly one of `forms` is there. */
export function checkOneForm(report: Report, path: Path, value: object, forms: readonly string[]): void {
  const present = forms.filter((form) => Object.hasOwn(value, form));
  if (present.length === 1) return;
  const [, second] = present;
  if (second === undefined)
    report(path, 'one-form', `has none of ${forms.join(', ')}; write exactly one of them`, { on: 'key' });
  else
    report(
      [...path, second],
      'one-form',
      `stands beside "${present[0]}", and only one of ${forms.join(', ')} can; remove the others`,
      { on: 'key' },
    );
}

function checkLoad(load: Load, part: Part): void {
  const { report, path } = part;
  checkOneForm(report, path, load, ['http', 'inline', 'postgres']);
  if (load.http) checkHttp(load, load.http, { ...part, path: [...path, 'http'] });
  else if (load.format) {
    const message = 'is only for `http`; the other loads have typed columns already, remove it';
    report([...path, 'format'], 'one-form', message, { on: 'key' });
  }
  if (load.inline) checkRows(load.inline.rows, report, [...path, 'inline', 'rows']);
  if (load.postgres) checkConnection(part, [...path, 'postgres', 'connection'], load.postgres.connection, 'postgres');
}

function checkHttp(load: Load, http: NonNullable<Load['http']>, { context, report, path }: Part): void {
  const format = [...path.slice(0, -1), 'format'];
  if (!load.format)
    report(
      path.slice(0, -1),
      'missing-field',
      'lacks "format", which says what the bytes are; add `format: { csv: {} }`',
      { on: 'key' },
    );
  else checkOneForm(report, format, load.format, ['csv']);
  if (http.connection !== undefined)
    checkConnection({ context, report, path }, [...path, 'connection'], http.connection, 'http');
  else if (!/^(https?:\/\/|\{\{)/i.test(http.url)) {
    const message =
      'is not an absolute URL; begin it with http:// or https://, or name a `connection` whose URL it continues';
    report([...path, 'url'], 'bad-value', message);
  }
  checkSecrets(http, report, path);
}

function checkSecrets(http: NonNullable<Load['http']>, report: Report, path: Path): void {
  if (hasPassword(http.url)) {
    const message = 'has a password in clear text; move the URL and a header with the secret to an http Connection';
    report([...path, 'url'], 'clear-text-secret', message);
  }
  for (const header of Object.keys(http.headers ?? {}).filter(isSecretHeader)) {
    const message = 'is a secret, and secrets can stand only in Connections; move the header to an http Connection';
    report([...path, 'headers', header], 'clear-text-secret', message, { on: 'key' });
  }
}

function checkRows(rows: readonly object[], report: Report, path: Path): void {
  const [first] = rows;
  const columns = Object.keys(first ?? {}).sort();
  if (columns.length === 0) report([...path, 0], 'bad-value', 'has no columns; write at least one');
  for (const [index, row] of rows.entries()) {
    if (Object.keys(row).sort().join('\n') === columns.join('\n')) continue;
    const message = `has other columns than the first row; write ${columns.join(', ')} in every row, null where there is no value`;
    report([...path, index], 'bad-value', message);
  }
}

function checkConnection({ context, report }: Part, path: Path, name: string, kind: 'postgres' | 'http'): void {
  const connection = context.find('Connection', name);
  if (connection === 'broken') return;
  if (!connection) {
    report(
      path,
      'unknown-connection',
      `names "${name}", and there is no such Connection${context.hint('Connection', name)}`,
    );
  } else if (!connection.value.spec[kind]) {
    const other = Object.keys(connection.value.spec)[0];
    report(
      path,
      'wrong-connection-kind',
      `names "${name}", which is a Connection of kind ${other}; name one of kind ${kind}`,
    );
  }
}

function checkExport({ postgres }: Export, part: Part): void {
  const { report } = part;
  const path = [...part.path, 'postgres'];
  checkConnection(part, [...path, 'connection'], postgres.connection, 'postgres');
  if (!parseTableName(postgres.table)) {
    const message = `is "${postgres.table}", which is not a table; write \`table\` or \`schema.table\`, each at most 63 bytes`;
    report([...path, 'table'], 'bad-value', message);
  }
  checkWrite(postgres.write, report, [...path, 'write']);
}

type Write = Export['postgres']['write'];

const modesOf: Readonly<Record<Exclude<keyof Write, 'mode'>, Write['mode']>> = {
  by: 'replaceWindow',
  tag: 'replaceWindow',
  outside: 'replaceWindow',
  keys: 'merge',
};

function checkWrite(write: Write, report: Report, path: Path): void {
  for (const [field, mode] of Object.entries(modesOf)) {
    if (!Object.hasOwn(write, field) || write.mode === mode) continue;
    report(
      [...path, field],
      'bad-write',
      `is only for mode ${mode}, and the mode is ${write.mode}; remove it or change the mode`,
      { on: 'key' },
    );
  }
  if (write.mode === 'merge' && !write.keys) {
    report(path, 'bad-write', 'merges and lacks "keys"; add the columns that identify a row', { on: 'key' });
  }
  if (new Set(write.keys).size !== (write.keys ?? []).length)
    report([...path, 'keys'], 'bad-write', 'names a column twice; remove one');
  if (write.mode === 'replaceWindow') checkReplaceWindow(write, report, path);
}

function checkReplaceWindow(write: Write, report: Report, path: Path): void {
  if (write.by !== undefined && write.tag !== undefined) {
    report([...path, 'tag'], 'bad-write', 'stands beside "by", and only one of them can tell the window; remove one', {
      on: 'key',
    });
  }
  if (write.by === undefined && write.tag === undefined) {
    const message =
      'replaces a window and lacks "by" or "tag"; add `by: COLUMN` for a time column of the rows, or `tag: COLUMN` for a new one';
    report(path, 'bad-write', message, { on: 'key' });
  }
  if (write.outside !== undefined && write.by === undefined) {
    report([...path, 'outside'], 'bad-write', 'is only for `by`; with `tag` every row is in the window, remove it', {
      on: 'key',
    });
  }
}
