/**
 * How long a plan takes: `node test/bench/plan.ts [--pipelines 10000]`. Prints one JSON object: seconds to compile both sides
 * and to compare them when one file, and when a Block that all of them use, has changed.
 */
import { parseArgs } from 'node:util';
import { planMarkdown } from '../../cli/plan/markdown.ts';
import { createCompiler } from '../../controller/manifests/compile.ts';
import { comparePlans } from '../../controller/plan/compare.ts';

const { values } = parseArgs({ options: { pipelines: { type: 'string', default: '10000' } } });
const count = Number(values.pipelines);

function filesOf(columns: string, first: number): Map<string, string> {
  const head = (kind: string, name: string) =>
    `apiVersion: pipewright.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec:\n`;
  const pipeline = (
    index: number,
  ) => `${head('Pipeline', `trips-${index}`)}  schedule: { every: day, startAt: 2026-01-01 }
  maxActiveRuns: ${index === 0 ? first : 1}
  blocks:
    - { name: trips, use: load-trips, with: { month: "${index}" } }
    - { name: few, from: [trips], transform: { sql: "select * from trips where id > ${index}" } }
`;
  const files = new Map(Array.from({ length: count }, (_, index) => [`p/${index}.yaml`, pipeline(index)]));
  return files.set(
    'block.yaml',
    `${head('Block', 'load-trips')}  parameters: { month: { type: string } }
  load:
    http: { url: "https://example.org/{{ month }}.csv" }
    format: { csv: { columns: { id: ${columns} } } }
`,
  );
}

function measure(columns: string, first: number) {
  const began = performance.now();
  const compiler = createCompiler();
  const sideOf = (files: Map<string, string>) => ({ ...compiler.compile({ files }), files });
  const base = sideOf(filesOf('INTEGER', 1));
  const head = sideOf(filesOf(columns, first));
  const compiled = performance.now();
  const plan = comparePlans({ base, head, now: new Date() });
  const chars = planMarkdown(plan).length;
  const seconds = (from: number, to: number) => Math.round((to - from) / 10) / 100;
  return {
    changed: plan.pipelines.length,
    compile: seconds(began, compiled),
    compare: seconds(compiled, performance.now()),
    chars,
  };
}

console.log(JSON.stringify({ pipelines: count, oneFile: measure('INTEGER', 2), sharedBlock: measure('BIGINT', 1) }));
