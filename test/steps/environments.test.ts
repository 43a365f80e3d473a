import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { onProcesses } from '../../controller/manifests/place.ts';
import type { Step } from '../../controller/steps/step.ts';
import { readPipelineManifest } from '../../controller/store/reads-manifest.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { createTestSync, givenFolder } from '../support/sync.ts';

let ledger: TestLedger;
let sync: Step;
beforeEach(async () => {
  ledger = await createTestLedger();
  const given = givenFolder(ledger.dir);
  const declaration = { ...given.declaration, spec: { ...given.declaration.spec, environment: 'production' } };
  sync = createTestSync({
    pool: ledger.pool,
    place: onProcesses,
    wake: () => {},
    failpoint: () => {},
    log: pino({ level: 'silent' }),
    given: [{ ...given, declaration }],
  });
});
afterEach(() => ledger.close());

const base = manifest('a', 'variables: { day: { type: string, default: monday } }\n');
const overlay = (value: string) =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: a }\nspec: { variables: { day: { default: ${value} } } }\n`;
const pass = () => sync.pass(new AbortController().signal);
const state = async () => {
  const [row] = await ledger.query(
    `select p.ready, p.retired_at is not null as retired, v.details -> 'variables' -> 'day' ->> 'default' as day
     from pipelines p join versions v on v.id = p.version_id where p.name = 'a'`,
  );
  return row;
};

test('a source takes its pipelines as its environment says', async () => {
  await ledger.write({ 'a.yaml': base, 'environments/production/a.yaml': overlay('sunday') });
  await pass();
  expect(await state()).toEqual({ ready: true, retired: false, day: 'sunday' });
  const { parts } = (await readPipelineManifest(ledger.pool, 'a')) ?? {};
  expect(parts?.map(({ name }) => name)).toEqual(['Pipeline a', 'Pipeline a in production']);
});

test('where the environment is gone or cannot be read, all goes on as it was until it is mended', async () => {
  await ledger.write({ 'a.yaml': base, 'b.yaml': manifest('b'), 'environments/production/a.yaml': overlay('sunday') });
  await pass();
  await ledger.write({ 'b.yaml': null, 'environments/production/a.yaml': 'kind: [\n' });
  await pass();
  expect(await state()).toEqual({ ready: false, retired: false, day: 'sunday' });
  expect(await ledger.query(`select retired_at from pipelines where name = 'b'`)).toEqual([{ retired_at: null }]);
  await ledger.write({ 'environments/production/a.yaml': null });
  await pass();
  expect(await ledger.query('select code from problems')).toEqual([{ code: 'unknown-environment' }]);
  expect(await state()).toEqual({ ready: false, retired: false, day: 'sunday' });
  await ledger.write({ 'environments/production/a.yaml': overlay('friday') });
  await pass();
  expect(await state()).toEqual({ ready: true, retired: false, day: 'friday' });
  expect(await ledger.query(`select name from pipelines where retired_at is not null`)).toEqual([{ name: 'b' }]);
});
