/**
 * Where a name is known: `window`, where there is a window; `run`, in a pipeline and not inside a Block; `outputs`, as `run`, and
 * below a `container` block.
 */
type NameGroup = 'window' | 'run' | 'outputs';

type NameEntry = {
  readonly group: NameGroup;
  readonly type: 'timestamp' | 'string' | 'integer' | 'any scalar';
  readonly description: string;
};

/** Every name that expressions know beside variables and parameters. The reference page is made of this table. */
export const expressionNames = {
  'window.start': { group: 'window', type: 'timestamp', description: 'Start of the run’s window, inclusive.' },
  'window.end': { group: 'window', type: 'timestamp', description: 'End of the run’s window, exclusive.' },
  'window.previous.start': { group: 'window', type: 'timestamp', description: 'Start of the window before it.' },
  'window.previous.end': { group: 'window', type: 'timestamp', description: 'End of the window before it.' },
  'mage.execution_date': {
    group: 'window',
    type: 'timestamp',
    description: 'Mage’s name for `window.end`: the moment at which Mage’s scheduler makes the run.',
  },
  'mage.interval_start_datetime': {
    group: 'window',
    type: 'timestamp',
    description: 'Equals `window.end`: Mage’s interval lies in the future, from the execution date on.',
  },
  'mage.interval_start_datetime_previous': {
    group: 'window',
    type: 'timestamp',
    description: 'Equals `window.start`, in every calendar.',
  },
  'mage.interval_end_datetime': {
    group: 'window',
    type: 'timestamp',
    description: 'End of the window after the run’s: where Mage’s interval, which begins at `window.end`, ends.',
  },
  'mage.interval_seconds': { group: 'window', type: 'integer', description: 'Length of the run’s window, in seconds.' },
  'run.name': { group: 'run', type: 'string', description: 'The run’s name, such as `yellow-taxi-2019-01`.' },
  'run.no': { group: 'run', type: 'integer', description: 'The run’s number among the runs of its window, from 1.' },
  'run.trigger': { group: 'run', type: 'string', description: 'What made the run: `schedule`, `manual` or `rerun`.' },
  'pipeline.name': { group: 'run', type: 'string', description: 'The pipeline’s name.' },
  'outputs.BLOCK.NAME': {
    group: 'outputs',
    type: 'any scalar',
    description:
      'What the `container` block BLOCK, upstream of the block in which this stands, wrote under NAME. A NAME that it did not write fails the task; `has(outputs.BLOCK.NAME)` asks.',
  },
} as const satisfies Record<string, NameEntry>;

/** Functions and methods that are not CEL’s own. */
export const expressionFunctions = {
  'env_var(NAME)':
    'The environment variable of that name, an error when it is not set. Only in Connections; NAME is a literal.',
  'env_var(NAME, DEFAULT)': 'The same, or DEFAULT when it is not set.',
  'TIMESTAMP.format(PATTERN)':
    'The timestamp as text in the schedule’s zone (UTC without one), by the directives below.',
  'TIMESTAMP.format(PATTERN, ZONE)': 'The same in another zone.',
} as const;

/** The directives of `format`, as `strftime` has them. */
export const formatDirectives = {
  '%Y': 'Year with four digits: `2019`.',
  '%y': 'Year with two digits: `19`.',
  '%m': 'Month: `01` to `12`.',
  '%d': 'Day of the month: `01` to `31`.',
  '%H': 'Hour: `00` to `23`.',
  '%M': 'Minute: `00` to `59`.',
  '%S': 'Second: `00` to `59`.',
  '%j': 'Day of the year: `001` to `366`.',
  '%b': 'Month, short: `Jan`.',
  '%B': 'Month, in full: `January`.',
  '%a': 'Weekday, short: `Mon`.',
  '%A': 'Weekday, in full: `Monday`.',
  '%F': 'Date: `2019-01-31`.',
  '%T': 'Time: `06:30:00`.',
  '%z': 'Offset from UTC: `-0500`.',
  '%Z': 'Name of the zone’s time: `EST`; an offset where it has none.',
  '%s': 'Seconds since 1970-01-01 UTC.',
  '%%': 'A percent sign.',
} as const;

export type FormatDirective = keyof typeof formatDirectives;

/** Limits that keep a hostile or careless expression cheap, since CEL itself has no cost limit. */
export const expressionLimits = {
  /** Longest source, in UTF-16 units. */
  length: 2000,
  /** Deepest nesting of brackets. */
  nesting: 32,
  /** `map`, `filter`, `all`, `exists`, … in one expression: each can multiply the size of a value. */
  macros: 2,
  /** `{{ }}` in one text. */
  perText: 1000,
} as const;
