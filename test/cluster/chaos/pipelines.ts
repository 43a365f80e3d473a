/** The target of every pipeline here; the ConfigMap `warehouse` names it. */
export const warehouse = `apiVersion: pipewright.dev/v1alpha1
kind: Connection
metadata: { name: warehouse }
spec:
  postgres:
    host: "{{ env_var('POSTGRES_HOST') }}"
    port: "{{ env_var('POSTGRES_PORT') }}"
    database: "{{ env_var('POSTGRES_DBNAME') }}"
    user: "{{ env_var('POSTGRES_USER') }}"
    password: "{{ env_var('POSTGRES_PASSWORD') }}"
`;

/** Daily windows from 2019 on, all due. They append, so what is written twice shows. A failure is tried again, as Postgres may be gone. */
export function pipeline(options: { name: string; windows: number; ms: number; source: string }): string {
  const { name, windows, ms, source } = options;
  const endAt = new Date(Date.UTC(2019, 0, 1 + windows)).toISOString().slice(0, 10);
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec:
  schedule: { every: day, startAt: 2019-01-01, endAt: ${endAt}, catchUp: all }
  maxActiveRuns: 6
  retry: { limit: 8, initial: 1s, max: 5s }
  blocks:
    - name: rows
      load:
        http: { url: "${source}/{{ window.start.format('%Y-%m-%d') }}.csv?ms=${ms}" }
        format: { csv: { columns: { day: VARCHAR, n: INTEGER } } }
    - name: warehouse
      from: [rows]
      export:
        postgres: { connection: warehouse, table: "${tableOf(name)}", write: { mode: append } }
`;
}

/** JSON is YAML. */
export function containerPipeline(options: { name: string; image: string; program: string }): string {
  const { name, image, program } = options;
  return JSON.stringify({
    apiVersion: 'pipewright.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      schedule: { every: 'day', startAt: '2019-01-01', endAt: '2019-01-02', catchUp: 'all' },
      blocks: [
        {
          name: 'program',
          resources: { limits: { memory: '128Mi' } },
          container: { image, command: ['node', '--eval', program] },
        },
      ],
    },
  });
}

export function tableOf(pipeline: string): string {
  return `public.${pipeline.replaceAll('-', '_')}`;
}
