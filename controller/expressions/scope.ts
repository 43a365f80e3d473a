import type { OutputNames, ScopeNames } from './names.ts';

/** A value of YAML or JSON that is no list and no object. */
export type Scalar = string | number | boolean | null;

export type ScalarType = 'string' | 'integer' | 'number' | 'boolean';

/** What an expression is evaluated against. */
export type Scope = {
  /** Values of variables; inside a Block those of its parameters. */
  readonly variables: Readonly<Record<string, Scalar>>;
  /** Declared types of the variables. CEL keeps integers and doubles apart; without a type a whole number is an integer. */
  readonly types?: Readonly<Record<string, { readonly type: ScalarType }>>;
  /** The run’s window; null for a run without one. */
  readonly window: {
    readonly start: Date;
    readonly end: Date;
    readonly previousStart: Date;
    readonly previousEnd: Date;
    readonly nextEnd: Date;
    readonly label: string;
  } | null;
  /** The zone of `format` and of the calendar getters. */
  readonly timeZone: string;
  readonly pipeline?: string;
  readonly run?: { readonly name: string; readonly runNo: number; readonly trigger: string };
  /** What containers upstream have put out, by block. Absent where `outputs` is no name. */
  readonly outputs?: Readonly<Record<string, Readonly<Record<string, Scalar>>>>;
  /** Looks up an environment variable. Only for Connections: without it `env_var` is no name. */
  readonly env?: (name: string) => string | undefined;
};

/** The names that `scope` gives values to. */
export function namesOf(scope: Scope): ScopeNames {
  return {
    variables: Object.keys(scope.variables),
    window: scope.window ? 'present' : 'absent',
    run: scope.run !== undefined && scope.pipeline !== undefined,
    environment: scope.env !== undefined,
    ...(scope.outputs && { outputs: outputNames(scope.outputs) }),
  };
}

function outputNames(outputs: NonNullable<Scope['outputs']>): OutputNames {
  return Object.fromEntries(Object.entries(outputs).map(([block, given]) => [block, Object.keys(given)]));
}
