import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRequests, type RequestKind } from '../../controller/store/requests.ts';
import type { FailpointName } from '../../schemas/failpoints.ts';
import { createTestLedger } from '../support/ledger.ts';
import { type Definition, manifestOf, startAt } from './pipeline.ts';

/** Two controllers on one store whose clock stands still until it is told to go, made once and emptied for each history. */
export async function createWorld() {
  const ledger = await createTestLedger({ capacity });
  // Before Postgres's own: the steps ask for `now()`, and this is what they get.
  const { options } = ledger.pool;
  options.options = `${options.options} -c search_path=pipewright,pg_catalog`;
  await ledger.query('create table clock (at timestamptz not null)');
  await ledger.query(
    'create function pipewright.now() returns timestamptz language sql stable as $$ select at from pipewright.clock $$',
  );
  await ledger.query('insert into clock values (to_timestamp($1))', [startAt / 1000]);
  const requests = createRequests({ pool: ledger.pool });
  const empty = await emptyStatements(ledger.query);
  let controllers = [createController(ledger.start), createController(ledger.start)];

  return {
    query: ledger.query,
    /** For what is asked again and again: planning it anew each time would take longer than all else. */
    prepared: async (name: string, text: string) => (await ledger.pool.query({ name, text })).rows,
    fake: ledger.fake,
    async write(definition: Definition | null): Promise<void> {
      const path = join(ledger.dir, 'a.yaml');
      await (definition ? writeFile(path, manifestOf(definition)) : rm(path, { force: true }));
    },
    setClock: (at: number) => ledger.query('update clock set at = to_timestamp($1)', [at / 1000]),
    submit: (kind: RequestKind, body: Record<string, unknown>) => requests.submit({ kind, body, actor: 'model' }),
    /** One step of one controller until it has nothing left, or crashes; a crashed controller is replaced. */
    pass: (which: number, step: StepName, crashAt: FailpointName | null = null) =>
      (controllers[which] as Controller).pass(step, crashAt),
    /** Both controllers begin anew, on an empty store at the beginning of time. */
    async reset(): Promise<void> {
      await ledger.query(empty);
      await this.setClock(startAt);
      controllers = [createController(ledger.start), createController(ledger.start)];
    },
    close: ledger.close,
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;

/** What the executor can run at once. */
export const capacity = 4;

export const stepNames = ['sync', 'intake', 'schedule', 'admit', 'launch', 'observe', 'advance'] as const;
export type StepName = (typeof stepNames)[number];
type Controller = ReturnType<typeof createController>;

class Crash extends Error {}

function createController(start: Awaited<ReturnType<typeof createTestLedger>>['start']) {
  let crashAt: FailpointName | null = null;
  let dead = false;
  /** A process that was killed does nothing more, whatever of it was under way. */
  const failpoint = (name: FailpointName) => {
    if (name === crashAt) dead = true;
    if (dead) throw new Crash(name);
  };
  let steps = start({ failpoint });
  const { signal } = new AbortController();
  return {
    /** Whether it crashed. */
    async pass(name: StepName, at: FailpointName | null): Promise<boolean> {
      crashAt = at;
      try {
        const step = steps[name];
        while ((await step.pass(signal)).kind === 'again');
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
      await steps[name].finish?.();
      if (!dead) return false;
      dead = false;
      steps = start({ failpoint });
      return true;
    },
  };
}

/** Deletes every row but those of the store itself. Truncating would make hundreds of new files each time. */
async function emptyStatements(query: (sql: string) => Promise<{ name: string }[]>): Promise<string> {
  const tables = await query(
    `select relname as name from pg_class where relnamespace = 'pipewright'::regnamespace and relkind in ('r', 'p') and not relispartition
       and relname not in ('ledger', 'migrations', 'clock')`,
  );
  const deletes = tables.map(({ name }) => `delete from ${name};`).join('\n');
  return `begin; set local session_replication_role = replica;\n${deletes}\ncommit`;
}
