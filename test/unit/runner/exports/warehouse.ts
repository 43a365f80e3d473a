import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import type { Relation } from '../../../../runner/engine/relation.ts';
import {
  exportPostgres,
  type PostgresExportOptions,
  type PostgresExportResult,
} from '../../../../runner/exports/postgres.ts';
import type { Export } from '../../../../schemas/generated/types.ts';
import { createTestDatabase } from '../../../support/postgres.ts';
import { type Claim, connectTo, january, orderOf, relationOf } from './support.ts';

export type TestExport = Partial<Omit<PostgresExportOptions, 'spec' | 'relation'>> &
  Claim & {
    table?: string;
    write?: Export['postgres']['write'];
    schemaChange?: 'error' | 'add';
    rows?: string;
    relation?: Relation;
  };

export type Warehouse = {
  url(): string;
  query<T extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
  /** Exports as a task of its own would: with a connection of its own. Claims rise by themselves unless given. */
  export(options?: TestExport): Promise<PostgresExportResult>;
};

/** A database for the tests of a file. Timestamps come back as text. */
export function useWarehouse(): Warehouse {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let client: pg.Client;
  let runId = 1000;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.url, types: { getTypeParser: () => (text: string) => text } });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  return {
    url: () => database.url,
    query: async <T extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
      (await client.query<T>(sql, values)).rows,
    async export({
      table = 'public.t',
      write = { mode: 'append' },
      schemaChange,
      rows = 'select 1 as n',
      ...options
    }: TestExport = {}) {
      runId += 1;
      const { runNo = 1, attempt = 1, ledgerId = 'ledger', window = january } = options;
      const connection = options.connection ?? connectTo(database.url);
      try {
        return await exportPostgres({
          block: 'warehouse',
          order: orderOf({ runNo, attempt, ledgerId, window, runId: options.runId ?? runId }),
          connection,
          timeZone: 'UTC',
          beforeCommit: async () => {},
          signal: new AbortController().signal,
          log: () => {},
          failpoint: () => {},
          ...options,
          relation: options.relation ?? (await relationOf(rows)),
          spec: { connection: 'warehouse', table, write, ...(schemaChange ? { schemaChange } : {}) },
        });
      } finally {
        if (!options.connection) await connection.close();
      }
    },
  };
}
