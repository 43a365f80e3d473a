import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runTask } from '../../../runner/run-task.ts';
import type {
  BlockReport,
  Bundle,
  CompiledBlock,
  CompiledTask,
  ConnectionSpec,
  TaskOrder,
  TaskReport,
} from '../../../schemas/generated/types.ts';

export type BlockInput = Partial<CompiledBlock> & { name: string };

export type TaskInput = {
  blocks: BlockInput[];
  inputs?: string[];
  outputs?: string[];
  connections?: Record<string, ConnectionSpec>;
  files?: Record<string, string>;
  variables?: TaskOrder['variables'];
  /** What containers upstream have put out. */
  upstream?: TaskOrder['outputs'];
  /** Blocks whose rows another run has made, and that run. */
  taken?: TaskOrder['taken'];
  window?: TaskOrder['window'];
  timeZone?: string;
  timeoutMs?: number;
  environment?: Record<string, string>;
  signal?: AbortSignal;
  /** A folder to use again; a new one by default. */
  folder?: string;
};

/** What is to be known of a task that ran. */
export type Ran = { report: TaskReport; log: string[]; folder: string; block(name: string): BlockReport };

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pipewright-runner-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the blocks as one task, in this process. */
export async function run(input: TaskInput): Promise<Ran> {
  const folder = input.folder ?? (await temporaryFolder());
  const scratch = join(folder, 'scratch');
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  await mkdir(join(folder, 'artifacts'), { recursive: true });
  const log: string[] = [];
  const report = await runTask({
    order: orderOf(input, folder),
    bundle: bundleOf(input),
    environment: input.environment ?? {},
    scratch,
    signal: input.signal ?? new AbortController().signal,
    log: (line) => log.push(line),
    failpoint: () => {},
  });
  const block = (name: string) => {
    const found = report.blocks.find((each) => each.name === name);
    if (!found) throw new Error(`the report has no block "${name}"`);
    return found;
  };
  return { report, log, folder, block };
}

export function bundleOf(input: TaskInput): Bundle {
  const blocks = input.blocks.map((block, index): CompiledBlock => {
    const origin = { file: 'pipeline.yaml', line: 10 * (index + 1), column: 5 };
    return { from: [], needs: [], checks: [], origin, ...block };
  });
  const task: CompiledTask = {
    name: blocks.at(-1)?.name ?? '',
    blocks: blocks.map(({ name }) => name) as CompiledTask['blocks'],
    needs: [],
    inputs: input.inputs ?? [],
    outputs: input.outputs ?? [],
    retry: { limit: 0, initialMs: 0, factor: 1, maxMs: 0 },
    timeoutMs: null,
  };
  return {
    pipeline: 'test',
    variables: {},
    timeZone: input.timeZone ?? 'UTC',
    blocks,
    tasks: [task],
    connections: input.connections ?? {},
    files: input.files ?? {},
  };
}

export function orderOf(input: TaskInput, folder: string): TaskOrder {
  const task = input.blocks.at(-1)?.name ?? '';
  return {
    attemptId: `1.${task}.1`,
    ledgerId: '',
    pipeline: 'test',
    run: { id: 1, name: 'test-m1', runNo: 1, trigger: 'manual' },
    task,
    attempt: 1,
    window: input.window ?? null,
    variables: input.variables ?? {},
    ...(input.upstream && { outputs: input.upstream }),
    bundle: { digest: '0'.repeat(64), path: join(folder, 'bundle.json') },
    artifacts: join(folder, 'artifacts'),
    ...(input.taken && { taken: input.taken }),
    timeoutMs: input.timeoutMs ?? null,
    heartbeatMs: 1000,
  };
}

/** A Postgres database as a Connection, from its URL. */
export function postgresConnection(url: string): ConnectionSpec {
  const { hostname, port, pathname, username, password } = new URL(url);
  return {
    postgres: {
      host: hostname,
      port: Number(port),
      database: pathname.slice(1),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
    },
  };
}

type Inline = NonNullable<NonNullable<CompiledBlock['load']>['inline']>;

/** A load of these rows. */
export function rows(
  ...values: Record<string, string | number | boolean | null>[]
): NonNullable<CompiledBlock['load']> {
  return { inline: { rows: values as Inline['rows'] } };
}
