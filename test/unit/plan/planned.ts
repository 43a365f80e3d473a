import { compile } from '../../../controller/manifests/compile.ts';
import { comparePlans } from '../../../controller/plan/compare.ts';

/** Path to text. */
export type Sources = Readonly<Record<string, string>>;

/** The plan of a change from one source to another. */
export function planOf(base: Sources, head: Sources, options: { now?: string; environment?: string } = {}) {
  const { now = '2026-03-20T12:00:00Z', environment } = options;
  const side = (sources: Sources) => {
    const files = new Map(Object.entries(sources));
    return { ...compile({ files, environment }), files };
  };
  return comparePlans({ base: side(base), head: side(head), now: new Date(now), environment });
}

export const head = (kind: string, name: string) =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
export const pipeline = (name: string, spec: string) => `${head('Pipeline', name)}spec:\n${spec.replace(/^/gm, '  ')}`;
export const inline = 'blocks: [{ name: rows, load: { inline: { rows: [{ n: 1 }] } } }]\n';
export const connection = `${head('Connection', 'warehouse')}spec: { postgres: { host: db.example.org, database: taxi, user: me } }\n`;
export const writes = (name: string, table: string, write: string) =>
  pipeline(
    name,
    `schedule: { every: day, startAt: 2026-01-01 }
blocks:
  - name: rows
    load: { inline: { rows: [{ n: 1 }] } }
  - name: out
    from: [rows]
    export: { postgres: { connection: warehouse, table: ${table}, write: { mode: ${write} } } }
`,
  );
export const reader = pipeline(
  'report',
  `blocks:
  - name: read
    load: { postgres: { connection: warehouse, sql: "select count(*) from taxi.trips" } }
`,
);
