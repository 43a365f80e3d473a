import { expressionNames } from '../../schemas/expressions.ts';

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
  /** The blocks of which `outputs.BLOCK` may be asked for. Absent where `outputs` is no name. */
  readonly outputs?: OutputNames;
};

/**
 * Why a block has outputs here, or has not: it is a container upstream, one elsewhere, or no container. Once it has run, the names
 * that it has put out.
 */
export type OutputNames = Readonly<Record<string, 'upstream' | 'elsewhere' | 'none' | readonly string[]>>;

/** The full names that may be used under `names`, for messages. */
export function visibleNames(names: ScopeNames): string[] {
  const known = Object.entries(expressionNames)
    .filter(([, { group }]) => group !== 'outputs' && (group === 'run' ? names.run : names.window !== 'hidden'))
    .map(([name]) => name);
  return [...names.variables, ...known, ...containersOf(names).map((block) => `outputs.${block}.NAME`)];
}

/** The blocks whose outputs may be named. */
export function containersOf({ outputs = {} }: ScopeNames): string[] {
  return Object.keys(outputs).filter((block) => outputs[block] !== 'elsewhere' && outputs[block] !== 'none');
}
