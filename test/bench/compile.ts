/** `node test/bench/compile.ts [PIPELINES]` compiles as many pipelines, each in its own file, and prints one line of JSON. */
import { compile } from '../../controller/manifests/compile.ts';

const count = Number(process.argv[2] ?? 10_000);

const shared = `apiVersion: pipewright.dev/v1alpha1
kind: Block
metadata: { name: load-trips }
spec:
  parameters:
    url: { type: string }
    limit: { type: integer, default: 1000000 }
  load:
    http: { url: "{{ url }}" }
    format: { csv: { columns: { VendorID: SMALLINT, tpep_pickup_datetime: TIMESTAMP, total_amount: "DECIMAL(10,2)" } } }
---
apiVersion: pipewright.dev/v1alpha1
kind: Connection
metadata: { name: warehouse }
spec:
  postgres:
    host: "{{ env_var('POSTGRES_HOST') }}"
    database: ny_taxi
    user: "{{ env_var('POSTGRES_USER') }}"
    password: { secretKeyRef: { name: warehouse, key: password } }
`;

const pipeline = (number: number): string => `# Pipeline ${number}
apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata:
  name: trips-${number}
  labels: { team: team-${number % 20} }
spec:
  description: Monthly trips of district ${number}
  schedule:
    every: month
    timeZone: ${number % 2 === 0 ? 'America/New_York' : 'Europe/Berlin'}
    startAt: 2019-01-01
    delay: 30h
    catchUp: all
  retry: { limit: 3, initial: 30s, factor: 2, max: 10m }
  timeout: 1h
  variables:
    base_url: { type: string, default: "https://example.test/${number}" }
  blocks:
    - name: trips
      use: load-trips
      with: { url: "{{ base_url }}/trips_{{ window.start.format('%Y-%m') }}.csv.gz" }
    - name: paying_trips
      from: [trips]
      transform:
        sql: |
          select * from trips
          where passenger_count > 0 and tpep_pickup_datetime >= {{ window.start }}
      checks:
        - expect: passenger_count > 0
    - name: warehouse
      from: [paying_trips]
      export:
        postgres:
          connection: warehouse
          table: trips.district_${number}
          write: { mode: replaceWindow, tag: window_start }
`;

const files = new Map([['shared.yaml', shared]]);
for (let number = 1; number <= count; number++) files.set(`pipelines/${number}.yaml`, pipeline(number));

const start = performance.now();
const { pipelines, problems } = compile({ files });
const seconds = (performance.now() - start) / 1000;
const peakMemoryMiB = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(
  JSON.stringify({
    bench: 'compile',
    pipelines: pipelines.length,
    problems: problems.length,
    seconds: Number(seconds.toFixed(2)),
    peakMemoryMiB,
  }),
);
