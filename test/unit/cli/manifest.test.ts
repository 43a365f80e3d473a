import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestLedger, type TestLedger } from '../../support/ledger.ts';
import { serve } from './server.ts';

const block = (columns: string) => `# what all load
apiVersion: pipewright.dev/v1alpha1
kind: Block
metadata: { name: load-trips }
spec: { load: { inline: { rows: [{ ${columns} }] } } }
`;
const taxi = `---
# the taxis of New York
apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: taxi }
spec:
  schedule: { every: month, startAt: 2019-01-01, endAt: 2019-02-01, catchUp: all }
  blocks:
    - { name: trips, use: load-trips }
    - { name: few, from: [trips], transform: { sql: { file: few.sql } } }
`;

let ledger: TestLedger;
let api: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  ledger = await createTestLedger();
  api = await serve({ pool: ledger.pool, wake: () => void ledger.pass('intake') });
  await ledger.write({ 'all.yaml': block('n: 1') + taxi, 'few.sql': 'select * from trips\n' });
  await ledger.round();
});
afterAll(async () => {
  await api.close();
  await ledger.close();
});

test('show --manifest prints what people wrote, with its files, also when another version has come since', async () => {
  const { code, stdout } = await api.ask('show', 'taxi-2019-01', '--manifest');
  const written = `# all.yaml:6\n${taxi.slice(4)}---\n# all.yaml:1\n${block('n: 1')}---\n-- few.sql\nselect * from trips\n`;
  expect({ code, stdout }).toEqual({ code: 0, stdout: written });
  expect((await api.ask('show', 'taxi-2019-01', '--diff')).stdout).toMatch(/^Nothing has changed: it ran version /);

  await ledger.write({ 'all.yaml': block('n: 2') + taxi, 'few.sql': 'select n from trips\n' });
  await ledger.pass('sync');
  expect((await api.ask('show', 'taxi-2019-01', '--manifest')).stdout).toBe(written);
  expect((await api.ask('show', 'taxi', '--manifest')).stdout).toContain('select n from trips');
});

test('show --diff prints how a run differs from today', async () => {
  const { stdout } = await api.ask('show', 'taxi-2019-01', '--diff');
  const lines = stdout.split('\n').filter((line) => /^[-+]/.test(line));
  expect(stdout).toMatch(/^Version [0-9a-f]{12} of [0-9a-f]{12} → [0-9a-f]{12} of [0-9a-f]{12}\n/);
  expect(lines).toEqual([
    '--- all.yaml\tthen',
    '+++ all.yaml\ttoday',
    '-spec: { load: { inline: { rows: [{ n: 1 }] } } }',
    '+spec: { load: { inline: { rows: [{ n: 2 }] } } }',
    '--- few.sql\tthen',
    '+++ few.sql\ttoday',
    '-select * from trips',
    '+select n from trips',
  ]);
  const json = JSON.parse((await api.ask('show', 'taxi-2019-01', '--diff', '-o', 'json')).stdout);
  expect(json.changes.map(({ name }: { name: string }) => name)).toEqual(['Block load-trips', 'few.sql']);
  expect(json.ran.revision).not.toBe(json.today.revision);
});

test('show says which commit and file a run came from', async () => {
  const { stdout } = await api.ask('show', 'taxi-2019-01', '-o', 'json');
  expect(JSON.parse(stdout)).toMatchObject({ source: 'local', file: 'all.yaml' });
  expect((await api.ask('show', 'taxi-2019-01')).stdout).toMatch(/^Manifest: +all\.yaml of source local$/m);
});

test('of a version from before manifests were kept it says so', async () => {
  await ledger.query('update versions set manifest = null');
  expect(await api.ask('show', 'taxi-2019-01', '--manifest')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is older than the keeping of manifests'),
  });
  expect((await api.ask('show', 'nothing', '--manifest')).stderr).toContain('there is no run "nothing"');
});
