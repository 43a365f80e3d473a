import type { Export, OrderWindow, TaskOrder } from '../../schemas/generated/types.ts';
import type { Column } from '../engine/relation.ts';
import { TaskFailure } from '../errors.ts';
import { putMicros } from './copy/times.ts';
import * as modes from './modes.ts';
import { quote } from './names.ts';
import type { TargetOptions } from './target.ts';
import { boundsFor, createWindowFilter, type WindowFilter, windowPredicate } from './window.ts';

/** What a `write` means for these rows and this window. */
export type WritePlan = {
  index: TargetOptions['index'];
  /** A column beside those of the rows, the same in all of them. */
  tag: { name: string; value: Uint8Array } | null;
  /** Looks at each row; `drop` when rows outside the window are left out instead of refused. */
  filter: (WindowFilter & { drop: boolean; by: string }) | null;
  mode: (options: modes.ModeOptions) => modes.Mode;
};

type PlanOptions = {
  write: Export['postgres']['write'];
  columns: readonly Column[];
  order: TaskOrder;
  timeZone: string;
};

/** Throws `SchemaMismatch` when a column that `write` names is not among the rows. */
export function planWrite({ write, columns, order, timeZone }: PlanOptions): WritePlan {
  const plain = { index: null, tag: null, filter: null };
  if (write.mode === 'append') return { ...plain, mode: modes.append };
  if (write.mode === 'replace') return { ...plain, mode: modes.replace };
  if (write.mode === 'merge') return planMerge(write.keys ?? [], columns);
  if (!order.window)
    throw refusal('write.mode: replaceWindow needs a window, and this run has none; run it for a window');
  if (write.tag !== undefined) return planTag(write.tag, order.window);
  return planBy({ ...write, by: write.by ?? '' }, { columns, window: order.window, timeZone });
}

function planMerge(keys: readonly string[], columns: readonly Column[]): WritePlan {
  if (keys.length === 0) throw refusal('write.keys: merge needs at least one; name the columns that identify a row');
  for (const key of keys) indexOf(columns, key, 'write.keys');
  const index = { kind: 'keys', columns: keys } as const;
  return { index, tag: null, filter: null, mode: (options) => modes.merge({ ...options, keys }) };
}

function planTag(name: string, window: OrderWindow): WritePlan {
  const startMs = new Date(window.start).getTime();
  const value = new Uint8Array(8);
  putMicros(new DataView(value.buffer), 0, BigInt(startMs) * 1000n);
  const where = { sql: `${quote(name)} = $1::timestamptz`, parameters: [new Date(startMs).toISOString()] };
  return {
    index: { kind: 'window', column: name },
    tag: { name, value },
    filter: null,
    mode: (options) => modes.replaceWindow({ ...options, where, slice: window.start }),
  };
}

type ByOptions = { columns: readonly Column[]; window: OrderWindow; timeZone: string };

function planBy(
  write: { by: string; outside?: 'error' | 'drop' },
  { columns, window, timeZone }: ByOptions,
): WritePlan {
  const { by, outside } = write;
  const index = indexOf(columns, by, 'write.by');
  const type = (columns[index] as Column).duckdbType;
  const bounds = boundsFor({ name: by, type }, window, timeZone);
  const where = windowPredicate(quote(by), bounds);
  return {
    index: { kind: 'window', column: by },
    tag: null,
    filter: { ...createWindowFilter({ index, type }, bounds), drop: outside === 'drop', by },
    mode: (options) => modes.replaceWindow({ ...options, where, slice: `${window.start} to ${window.end}` }),
  };
}

function indexOf(columns: readonly Column[], name: string, field: string): number {
  const index = columns.findIndex((column) => column.name === name);
  if (index >= 0) return index;
  throw refusal(
    `${field}: the rows have no column "${name}"; they have ${columns.map((column) => column.name).join(', ')}`,
  );
}

function refusal(message: string): TaskFailure {
  return new TaskFailure('SchemaMismatch', message);
}
