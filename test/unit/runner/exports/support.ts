import { DuckDBInstance } from '@duckdb/node-api';
import { openPostgres, type PostgresConnection } from '../../../../runner/connections/postgres.ts';
import type { Relation } from '../../../../runner/engine/relation.ts';
import type { Export, TaskOrder } from '../../../../schemas/generated/types.ts';

/** Rows of a DuckDB query, as a runner's engine hands them over. */
export async function relationOf(sql: string): Promise<Relation> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run(`set timezone = 'UTC'`);
  const result = await connection.stream(sql);
  const columns = result.columnNames().map((name, index) => {
    const duckdbType = result.columnType(index);
    return { name, type: duckdbType.toString(), duckdbType };
  });
  return {
    block: 'rows',
    columns,
    async *chunks() {
      for await (const chunk of result) yield chunk;
      connection.closeSync();
      instance.closeSync();
    },
  };
}

export const january = {
  start: '2019-01-01T00:00:00.000Z',
  end: '2019-02-01T00:00:00.000Z',
  previousStart: '2018-12-01T00:00:00.000Z',
  previousEnd: '2019-01-01T00:00:00.000Z',
  nextEnd: '2019-03-01T00:00:00.000Z',
  label: '2019-01',
};

export const february = {
  start: '2019-02-01T00:00:00.000Z',
  end: '2019-03-01T00:00:00.000Z',
  previousStart: '2019-01-01T00:00:00.000Z',
  previousEnd: '2019-02-01T00:00:00.000Z',
  nextEnd: '2019-04-01T00:00:00.000Z',
  label: '2019-02',
};

export type Claim = {
  runNo?: number;
  runId?: number;
  attempt?: number;
  ledgerId?: string;
  window?: TaskOrder['window'];
};

export function orderOf({
  runNo = 1,
  runId = runNo,
  attempt = 1,
  ledgerId = 'ledger',
  window = january,
}: Claim = {}): TaskOrder {
  return {
    attemptId: `${runId}.warehouse.${attempt}`,
    ledgerId,
    pipeline: 'trips',
    run: { id: runId, name: `trips-${runId}`, runNo, trigger: 'manual' },
    task: 'warehouse',
    attempt,
    window,
    variables: {},
    bundle: { digest: '', path: '' },
    artifacts: '',
    timeoutMs: null,
    heartbeatMs: 10_000,
  };
}

export function connectTo(url: string, applicationName = 'pipewright trips-1'): PostgresConnection {
  const { hostname, port, pathname, username, password } = new URL(url);
  return openPostgres({
    name: 'warehouse',
    spec: {
      host: hostname,
      port: Number(port),
      database: pathname.slice(1),
      user: username,
      password: "{{ env_var('PASSWORD') }}",
    },
    scope: { variables: {}, window: null, timeZone: 'UTC' },
    environment: { PASSWORD: password },
    applicationName,
    signal: new AbortController().signal,
  });
}

/** What an export in a process of its own is told. */
export type ExportInput = {
  url: string;
  table: string;
  write: Export['postgres']['write'];
  rows: string;
  claim: Claim;
};
