import { blockName, duration, list, map, object, objectName, ref, type Schema, scalar, templated } from './common.ts';
import { podFields, pods } from './pods.ts';

const connection: Schema = { ...objectName, description: 'The name of a Connection.' };

const sqlText: Schema = {
  description:
    'SQL text, or `{file: PATH}` relative to the manifest. A `{{ }}` in it is bound as a parameter, never pasted.',
  'x-templated': true,
  'x-sql': true,
  anyOf: [
    { type: 'string', minLength: 1 },
    object(
      'SQL kept in a file.',
      { file: { type: 'string', description: 'Path relative to the manifest; it may not leave the source.' } },
      ['file'],
    ),
  ],
};

const csvFormat = object('Comma-separated text with a header line; `.gz` is decompressed.', {
  columns: map(
    'Column name to DuckDB type, in the order of the file. The header must match exactly. Without it the types are inferred from the first rows.',
    { type: 'string', description: 'A DuckDB type, such as `SMALLINT`, `TIMESTAMP` or `DECIMAL(10,2)`.' },
  ),
  delimiter: { type: 'string', description: 'The field separator; a comma by default.', minLength: 1, maxLength: 1 },
  nullValue: { type: 'string', description: 'Text that means null, beside the empty field.' },
});

const loadHttp = object(
  'Fetches one URL. 429, 5xx and broken connections are tried again with backoff; an interrupted body resumes by Range.',
  {
    url: templated({
      type: 'string',
      description: 'An absolute URL, or a path below the connection’s `url`.',
      minLength: 1,
    }),
    connection,
    headers: map('Request headers.', templated({ type: 'string', description: 'The header’s value.' })),
    maxBytes: {
      type: 'integer',
      description: 'Refuse a body larger than this many bytes as transferred; 50 GiB by default.',
      minimum: 1,
    },
    compression: {
      type: 'string',
      description: 'How the body is compressed; by default the URL’s suffix decides.',
      enum: ['auto', 'none', 'gzip'],
    },
  },
  ['url'],
);

const load = object('Brings rows in. Exactly one of `http`, `inline`, `postgres`.', {
  http: loadHttp,
  inline: object(
    'Rows written in the manifest.',
    {
      rows: list('The rows, all with the same columns.', map('Column name to value.', templated(scalar)), {
        minItems: 1,
      }),
    },
    ['rows'],
  ),
  postgres: object('Rows of a query.', { connection, sql: sqlText }, ['connection', 'sql']),
  format: object('The form of the bytes; for `http`.', { csv: csvFormat }),
});

const transform = object('Makes one relation of its inputs.', { sql: sqlText }, ['sql']);

const write = object(
  'How rows meet what the table holds.',
  {
    mode: {
      type: 'string',
      description:
        '`append` adds; `replace` replaces all rows; `replaceWindow` replaces the window’s rows (by `by` or `tag`); `merge` updates by `keys` and inserts the rest.',
      enum: ['append', 'replace', 'replaceWindow', 'merge'],
    },
    by: {
      type: 'string',
      description:
        'replaceWindow: a column of the data (timestamptz, date, or timestamp read in the calendar’s zone) that tells which window a row is in.',
    },
    tag: {
      type: 'string',
      description: 'replaceWindow: a timestamptz column that Pipewright adds and fills with the window’s start.',
    },
    outside: {
      type: 'string',
      description: 'replaceWindow with `by`: what to do with rows outside the window; `error` by default.',
      enum: ['error', 'drop'],
    },
    keys: list(
      'merge: the columns that identify a row.',
      { type: 'string', description: 'A column name.' },
      { minItems: 1 },
    ),
  },
  ['mode'],
);

const exportForm = object(
  'Takes rows out; commits after the checks of what it reads.',
  {
    postgres: object(
      'Writes a Postgres table by binary COPY. Schema and table are created; column names are kept exactly.',
      {
        connection,
        table: { type: 'string', description: 'The table, as `schema.table` or `table`.', minLength: 1 },
        write,
        schemaChange: {
          type: 'string',
          description: 'What to do when the rows have columns that the table lacks; `error` by default.',
          enum: ['error', 'add'],
        },
      },
      ['connection', 'table', 'write'],
    ),
  },
  ['postgres'],
);

const check = object(
  'An assertion about the block’s rows. Exactly one of `expect` (a SQL boolean per row) and `sql` (a query that returns the offending rows).',
  {
    name: { type: 'string', description: 'A name for reports; the text of the check by default.' },
    expect: {
      type: 'string',
      description: 'A SQL boolean over the row’s columns; anything but true fails.',
      minLength: 1,
    },
    sql: {
      type: 'string',
      description: 'A query over the block and its inputs; any row it returns fails the check.',
      minLength: 1,
    },
    severity: {
      type: 'string',
      description: '`error` (default) fails the task and stops what is downstream; `warn` is only reported.',
      enum: ['error', 'warn'],
    },
  },
);

const retry = object('Further attempts after a failed one.', {
  limit: { type: 'integer', description: 'How many further attempts; 0 by default.', minimum: 0, maximum: 100 },
  initial: { ...duration, description: 'The wait before the first retry; 30s by default.' },
  factor: {
    type: 'number',
    description: 'What each further wait is multiplied by; 2 by default.',
    minimum: 1,
    maximum: 10,
  },
  max: { ...duration, description: 'The longest wait; 10m by default.' },
});

const wait = object(
  'Waits for windows of another pipeline. The run begins, and takes a place, only when all its waits are over.',
  {
    pipeline: { ...objectName, description: 'The pipeline to wait for, of the same source.' },
    window: {
      type: 'string',
      description:
        'Which of its windows must have succeeded: those that cover the run’s window (`covering`, the default), the one with the same bounds (`same`), or those that cover the window before (`previous`).',
      enum: ['covering', 'same', 'previous'],
    },
    timeout: { ...duration, description: 'The longest wait, from when the run was queued; 7d by default.' },
  },
  ['pipeline'],
);

const forms = {
  load: ref('Load'),
  transform: ref('Transform'),
  export: ref('Export'),
  container: ref('Container'),
};

export const definitions: Record<string, Schema> = {
  ...pods,
  Load: load,
  Transform: transform,
  Export: exportForm,
  Retry: retry,
  Check: check,
  Wait: wait,
  PipelineBlock: object(
    'A step. Exactly one of `load`, `transform`, `export`, `container`, `wait`, `use`.',
    {
      name: blockName,
      description: { type: 'string', description: 'What the block is for.' },
      from: list('The blocks whose rows this one reads.', blockName, { uniqueItems: true }),
      needs: list('Blocks that must have succeeded first, without reading their rows. Begins a new task.', blockName, {
        uniqueItems: true,
      }),
      when: {
        type: 'string',
        description: 'A CEL condition (without `{{ }}`); false skips the block and what is downstream of it.',
        minLength: 1,
      },
      use: { ...objectName, description: 'The name of a Block.' },
      with: map('Values for the Block’s parameters.', templated(scalar)),
      ...forms,
      wait: ref('Wait'),
      checks: list('Assertions about this block’s rows.', ref('Check')),
      retry: ref('Retry'),
      timeout: { ...duration, description: 'The longest an attempt of this block’s task may take.' },
      pool: {
        ...objectName,
        description: 'A Pool: an attempt of this block’s task holds a slot of it. Begins a new task.',
      },
      isolate: {
        type: 'boolean',
        description: 'Run this block as a task of its own instead of fusing it with its neighbours.',
      },
      ...podFields.ofBlock,
    },
    ['name'],
  ),
  BlockSpec: object('The body of a reusable Block. Exactly one of `load`, `transform`, `export`, `container`.', {
    description: { type: 'string', description: 'What the block is for.' },
    parameters: map('The typed parameters; inside a Block only these and `window.*` are names.', ref('Parameter')),
    ...forms,
    checks: list('Assertions about this block’s rows.', ref('Check')),
  }),
  Parameter: object(
    'A typed value.',
    {
      type: { type: 'string', description: 'The type.', enum: ['string', 'integer', 'number', 'boolean'] },
      default: { ...scalar, description: 'The value when none is given.' },
      description: { type: 'string', description: 'What it is for.' },
    },
    ['type'],
  ),
};
