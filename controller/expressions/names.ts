/** Who can see a group of names: `window` where there is a window, `run` in a pipeline, `environment` in a Connection. */
export type NameGroup = 'window' | 'run';

type NameEntry = {
  readonly group: NameGroup;
  readonly type: 'timestamp' | 'string' | 'integer';
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
  'mage.interval_seconds': { group: 'window', type: 'integer', description: 'Length of the run’s window, in seconds.' },
  'run.name': { group: 'run', type: 'string', description: 'The run’s name, such as `yellow-taxi-2019-01`.' },
  'run.no': { group: 'run', type: 'integer', description: 'The run’s number among the runs of its window, from 1.' },
  'run.trigger': { group: 'run', type: 'string', description: 'What made the run: `schedule`, `manual` or `rerun`.' },
  'pipeline.name': { group: 'run', type: 'string', description: 'The pipeline’s name.' },
} as const satisfies Record<string, NameEntry>;

/** Functions and methods that are not CEL’s own. */
export const expressionFunctions = {
  'env_var(NAME)': 'The environment variable of that name, an error when it is not set. Only in Connections; NAME is a literal.',
  'env_var(NAME, DEFAULT)': 'The same, or DEFAULT when it is not set.',
  'TIMESTAMP.format(PATTERN)': 'The timestamp as text in the schedule’s zone (UTC without one), by the directives below.',
  'TIMESTAMP.format(PATTERN, ZONE)': 'The same in another zone.',
} as const;

/** Names that are taken at the root, so that no variable or parameter may have them. */
export const reservedNames: ReadonlySet<string> = new Set([
  ...Object.keys(expressionNames).map((name) => name.slice(0, name.indexOf('.'))),
  ...['event', 'outputs', 'env_var', 'true', 'false', 'null', 'in'],
  ...['as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package'],
  ...['namespace', 'return', 'var', 'void', 'while', '__proto__', 'constructor'],
]);

/** What CEL itself calls types: `type(x) == int`. */
export const typeNames: ReadonlySet<string> = new Set([
  ...['bool', 'bytes', 'double', 'dyn', 'int', 'list', 'map', 'null_type', 'string', 'type', 'uint'],
]);

/** What an expression may name at the place where it stands. */
export type ScopeNames = {
  /** Declared variables; inside a Block its parameters. */
  readonly variables: readonly string[];
  /** `absent`: names of the window are known here but this pipeline has no schedule; `hidden`: they are no names here. */
  readonly window: 'present' | 'absent' | 'hidden';
  /** Whether `run.*` and `pipeline.*` are names here. */
  readonly run: boolean;
  /** Whether `env_var` is a function here. */
  readonly environment: boolean;
};

/** The full names that may be used under `names`, for messages. */
export function visibleNames(names: ScopeNames): string[] {
  const known = Object.entries(expressionNames)
    .filter(([, { group }]) => (group === 'run' ? names.run : names.window !== 'hidden'))
    .map(([name]) => name);
  return [...names.variables, ...known];
}
