import {
  type CelEnv,
  type CelInput,
  CelScalar,
  celEnv,
  celFunc,
  celMethod,
  celType,
  isCelError,
  isCelUint,
  objectType,
  plan,
} from '@bufbuild/cel';
import type { Temporal } from 'temporal-polyfill';
import { ExpressionError } from './errors.ts';
import { type Parsed, parseExpression, shorten } from './parse.ts';
import { namesOf, type Scalar, type Scope } from './scope.ts';
import { formatInstant, zoned } from './strftime.ts';
import { walkExpression } from './walk.ts';

/** What an expression can yield: CEL integers are bigint, doubles are number. */
export type Value = string | bigint | number | boolean | null | Date | { readonly seconds: number };

const timestampName = 'google.protobuf.Timestamp';
const timestamp = objectType(timestampName);
const { INT, STRING } = CelScalar;

/** Evaluates one CEL expression. Throws an ExpressionError that names the expression. */
export function evaluate(source: string, scope: Scope): Value {
  const parsed = parseExpression(source);
  if (!('expr' in parsed)) throw new ExpressionError(parsed.message);
  const [problem] = walkExpression(parsed, namesOf(scope)).problems;
  if (problem) throw new ExpressionError(`{{ ${shorten(source)} }}: ${problem.message}`);
  return run(source, parsed, scope);
}

function run(source: string, parsed: Parsed, scope: Scope): Value {
  const result = plan(environment(scope), parsed)(bindings(scope));
  if (isCelError(result)) {
    if (result.cause instanceof ExpressionError) throw result.cause;
    throw new ExpressionError(`{{ ${shorten(source)} }}: ${result.message.replace(/^<input>:[\d:]+ /, '')}`);
  }
  if (result === null || ['string', 'bigint', 'number', 'boolean'].includes(typeof result)) return result as Value;
  if (isCelUint(result)) return result.value;
  const type = celType(result).name;
  const { message } = result as unknown as { message?: { seconds: bigint; nanos: number } };
  if (message && type === timestampName) return toDate(message);
  if (message && type === 'google.protobuf.Duration') return { seconds: Number(message.seconds) + message.nanos / 1e9 };
  throw new ExpressionError(
    `{{ ${shorten(source)} }} yields a value of type ${type}; only text, numbers, booleans and timestamps can be used`,
  );
}

/** Values by name, without a prototype: the library looks names up as properties, and `constructor` must not be one. */
function bindings(scope: Scope): Record<string, CelInput> {
  const values: Record<string, CelInput> = Object.create(null);
  for (const [name, value] of Object.entries(scope.variables)) {
    values[name] = scope.types?.[name]?.type === 'number' ? value : untyped(value);
  }
  if (scope.window) Object.assign(values, windowBindings(scope.window));
  if (scope.run) {
    values.run = new Map<string, CelInput<typeof STRING | typeof INT>>([
      ['name', scope.run.name],
      ['no', BigInt(scope.run.runNo)],
      ['trigger', scope.run.trigger],
    ]);
  }
  if (scope.pipeline !== undefined) values.pipeline = new Map([['name', scope.pipeline]]);
  if (scope.outputs) values.outputs = outputBindings(scope.outputs);
  return values;
}

/** CEL keeps integers and doubles apart; a whole number whose type nobody has said is an integer. */
function untyped(value: Scalar): string | number | bigint | boolean | null {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}

function outputBindings(outputs: NonNullable<Scope['outputs']>): CelInput {
  const blocks = Object.entries(outputs).map(([block, given]): [string, CelInput] => {
    const named = Object.entries(given).map(([name, value]): [string, CelInput] => [name, untyped(value)]);
    return [block, new Map(named) as CelInput];
  });
  return new Map(blocks) as CelInput;
}

function windowBindings(window: NonNullable<Scope['window']>): Record<string, CelInput> {
  const previous = new Map([
    ['start', fromDate(window.previousStart)],
    ['end', fromDate(window.previousEnd)],
  ]);
  const seconds = Math.round((window.end.getTime() - window.start.getTime()) / 1000);
  return {
    window: new Map<string, CelInput>([
      ['start', fromDate(window.start)],
      ['end', fromDate(window.end)],
      ['previous', previous as CelInput],
    ]) as CelInput,
    mage: new Map<string, CelInput>([
      ['execution_date', fromDate(window.end)],
      ['interval_start_datetime', fromDate(window.end)],
      ['interval_start_datetime_previous', fromDate(window.start)],
      ['interval_end_datetime', fromDate(window.nextEnd)],
      ['interval_seconds', BigInt(seconds)],
    ]) as CelInput,
  };
}

function environment(scope: Scope): CelEnv {
  const lookUp = (name: string, fallback?: string): string => {
    const value = scope.env?.(name) ?? fallback;
    if (value !== undefined) return value;
    throw new ExpressionError(
      `environment variable ${name} is not set or not let through by --allow-env; set it or give a default: env_var('${name}', '…')`,
      'environment',
    );
  };
  const write = (at: unknown, pattern: string, zone: string) => formatInstant(timestampOf(at), pattern, zone);
  return celEnv({
    funcs: [
      celFunc('env_var', [STRING], STRING, (name) => lookUp(name)),
      celFunc('env_var', [STRING, STRING], STRING, (name, fallback) => lookUp(name, fallback)),
      celMethod('format', timestamp, [STRING], STRING, function (pattern) {
        return write(this, pattern, scope.timeZone);
      }),
      celMethod('format', timestamp, [STRING, STRING], STRING, function (pattern, zone) {
        return write(this, pattern, zone);
      }),
      ...Object.entries(getters).flatMap(([name, read]) => [
        celMethod(name, timestamp, [], INT, function () {
          return BigInt(read(zoned(timestampOf(this), scope.timeZone)));
        }),
        celMethod(name, timestamp, [STRING], INT, function (zone) {
          return BigInt(read(zoned(timestampOf(this), zone)));
        }),
      ]),
    ],
  });
}

/**
 * CEL's calendar getters, in the schedule's zone as `format` is. The library's own go through the process's local time, so
 * they would change with the machine's TZ.
 */
const getters: Readonly<Record<string, (at: Temporal.ZonedDateTime) => number>> = {
  getFullYear: (at) => at.year,
  getMonth: (at) => at.month - 1,
  getDate: (at) => at.day,
  getDayOfMonth: (at) => at.day - 1,
  getDayOfWeek: (at) => at.dayOfWeek % 7,
  getDayOfYear: (at) => at.dayOfYear - 1,
  getHours: (at) => at.hour,
  getMinutes: (at) => at.minute,
  getSeconds: (at) => at.second,
  getMilliseconds: (at) => at.millisecond,
};

function timestampOf(value: unknown): Date {
  return toDate((value as { message: { seconds: bigint; nanos: number } }).message);
}

function toDate(message: { seconds: bigint; nanos: number }): Date {
  return new Date(Number(message.seconds) * 1000 + Math.floor(message.nanos / 1e6));
}

function fromDate(date: Date): CelInput<typeof timestamp> {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1000);
  return { $typeName: timestampName, seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1e6 } as CelInput<
    typeof timestamp
  >;
}
