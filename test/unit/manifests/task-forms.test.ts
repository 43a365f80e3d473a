import { expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { taskForms } from '../../../controller/manifests/task-forms.ts';
import { files, pipeline, warehouse } from './sources.ts';

const blocks = (
  change: { sql?: string; retry?: string; host?: string } = {},
) => `  variables: { floor: { type: integer, default: 1 } }
  blocks:
    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
    - name: two
      from: [one]
      retry: { limit: ${change.retry ?? '0'} }
      transform: { sql: "${change.sql ?? 'select n from one where n > {{ floor }}'}" }
    - name: three
      from: [two]
      timeout: 1h
      export: { postgres: { connection: warehouse, table: t, write: { mode: append } } }
`;

function formsOf(spec: string, connection = warehouse): Record<string, string> {
  const { pipelines, problems } = compile({ files: files(pipeline('a', spec), connection) });
  expect(problems).toEqual([]);
  const [compiled] = pipelines;
  if (!compiled) throw new Error('nothing was compiled');
  return Object.fromEntries(taskForms(compiled.bundle));
}

function changed(spec: string, connection = warehouse): string[] {
  const [before, after] = [formsOf(blocks()), formsOf(spec, connection)];
  return Object.keys(after).filter((task) => before[task] !== after[task]);
}

test('a task has another form when its SQL, its connection or a variable that it names has changed', () => {
  expect(changed(blocks())).toEqual([]);
  expect(changed(blocks({ sql: 'select n from one' }))).toEqual(['two']);
  expect(changed(blocks(), warehouse.replace('localhost', 'elsewhere'))).toEqual(['three']);
  expect(changed(blocks().replace('default: 1', 'default: 2'))).toEqual(['two']);
});

test('it keeps its form when only retry, timeout, resources, comments, description or limits have changed', () => {
  expect(changed(blocks({ retry: '5' }).replace('timeout: 1h', 'timeout: 2h'))).toEqual([]);
  expect(changed(`  description: other\n  maxActiveRuns: 7\n  # a comment\n${blocks()}`)).toEqual([]);
  expect(changed(`  resources: { requests: { memory: 4Gi } }\n${blocks()}`)).toEqual([]);
});
