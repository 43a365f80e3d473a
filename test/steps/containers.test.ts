import { afterEach, describe, expect, it } from 'vitest';
import { onJobs, type TaskPlace } from '../../controller/manifests/place.ts';
import type { JobsPolicy } from '../../schemas/generated/types.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
afterEach(() => ledger.close());

async function start(blocks: string, options: { spec?: string; bounds?: TaskPlace } = {}): Promise<void> {
  ledger = await createTestLedger({ bounds: options.bounds ?? jobs() });
  await ledger.write({ 'a.yaml': manifest('a', options.spec ?? '', blocks) });
  await ledger.pass('sync');
  await ledger.ask('run', { pipeline: 'a' });
  await ledger.round();
}

function jobs(policy: JobsPolicy = {}): TaskPlace {
  const config = { resources: 'pipewright', image: 'runner:1', reportUrl: 'http://controller', reportPort: 1 };
  return onJobs({ ...config, namespace: 'jobs', artifactsClaim: 'shared', policy });
}

async function settle(task: string, ending: Parameters<TestLedger['fake']['end']>[1]): Promise<void> {
  ledger.fake.end(id(task), ending);
  await ledger.pass('observe', 'advance', 'launch', 'observe', 'advance');
}

const id = (task: string) => ledger.fake.running().find((each) => each.includes(`.${task}.`)) ?? `no ${task}`;
const tasks = () => ledger.query('select name, phase, reason from tasks order by position');
const messages = async () =>
  (await ledger.query('select message from attempts order by task')).map((row) => row.message);

const score = `
    - name: score
      container: { image: team/score:1, command: [score], args: ["--run={{ run.name }}", "{{ limit }}"], env: { LIMIT: "{{ limit * 2 }}", ON: true } }
`;
const limit = 'variables: { limit: { type: integer, default: 3 } }\n';

describe('a container block', () => {
  it('is launched with its templates evaluated', async () => {
    await start(score, { spec: limit });
    expect(ledger.fake.task(id('score'))).toEqual({
      container: {
        block: 'score',
        origin: { file: 'a.yaml', line: expect.any(Number), column: expect.any(Number) },
        image: 'team/score:1',
        command: ['score'],
        args: ['--run=a-m1', '3'],
        env: { LIMIT: '6', ON: 'true' },
        inputs: [],
      },
    });
  });

  it('reads rows of the tasks before it', async () => {
    const rows = '    - name: one\n      load: { inline: { rows: [{ n: 1 }] } }\n';
    await start(`${rows}${score.replace('name: score', 'name: score\n      from: [one]')}`, { spec: limit });
    await settle('one', 'Succeeded');
    expect(ledger.fake.task(id('score'))).toMatchObject({ container: { inputs: ['one'] } });
  });

  it('that cannot be evaluated fails without a process, with a sentence', async () => {
    await start(score.replace('{{ limit * 2 }}', '{{ 1 / (limit - 3) }}'), { spec: limit });
    expect(ledger.fake.launches).toEqual([]);
    expect(await tasks()).toEqual([{ name: 'score', phase: 'Failed', reason: 'ExpressionFailed' }]);
    expect(await messages()).toEqual([expect.stringMatching(/^block "score": env\.LIMIT: .*1 \/ \(limit - 3\).*/)]);
  });
});

describe('what a container puts out', () => {
  const next = (more: string) => `${score}    - name: next\n      needs: [score]\n${more}`;
  const container = '      container: { image: team/next:1, args: ["{{ outputs.score.rows + 1 }}"] }\n';

  it('is known to the expressions downstream', async () => {
    await start(next(container), { spec: limit });
    await settle('score', { outputs: { rows: 41, label: 'x' } });
    expect(ledger.fake.task(id('next'))).toMatchObject({ container: { args: ['42'] } });
    expect(ledger.fake.order(id('next'))?.outputs).toEqual({ score: { rows: 41, label: 'x' } });
  });

  it('fails the task that names what is not there', async () => {
    await start(next(container), { spec: limit });
    await settle('score', { outputs: { total: 41 } });
    expect(await tasks()).toMatchObject([{ phase: 'Succeeded' }, { phase: 'Failed', reason: 'ExpressionFailed' }]);
    expect(await messages()).toContain(
      'block "next": args[0]: {{ outputs.score.rows + 1 }}: block "score" has put out total and no "rows"; write {"rows": …} to its /dev/termination-log',
    );
  });

  it('decides a condition, and reaches a block through others', async () => {
    const last =
      '    - name: last\n      needs: [next]\n      when: outputs.score.rows > 50\n      load: { inline: { rows: [{ n: 1 }] } }\n';
    await start(`${next(container)}${last}`, { spec: limit });
    await settle('score', { outputs: { rows: 41 } });
    await settle('next', 'Succeeded');
    expect((await tasks()).at(-1)).toEqual({ name: 'last', phase: 'Skipped', reason: 'ConditionFalse' });
  });

  it('is not in the order of a task with none upstream', async () => {
    await start(`${score}    - name: other\n      load: { inline: { rows: [{ n: 1 }] } }\n`, { spec: limit });
    expect(ledger.fake.order(id('other'))).not.toHaveProperty('outputs');
  });
});

describe('the policy', () => {
  it('is judged once more before a Job is made of a version from before it', async () => {
    const bounds = { ...jobs() } as Extract<TaskPlace, { kind: 'jobs' }> & { policy: JobsPolicy };
    ledger = await createTestLedger({ bounds });
    await ledger.write({ 'a.yaml': manifest('a', limit, score) });
    await ledger.pass('sync');
    Object.assign(bounds, { policy: { images: ['registry.example/*'] } });
    await ledger.ask('run', { pipeline: 'a' });
    await ledger.round();
    expect(ledger.fake.launches).toEqual([]);
    expect(await tasks()).toEqual([{ name: 'score', phase: 'Failed', reason: 'OutsidePolicy' }]);
    expect(await messages()).toEqual([
      expect.stringContaining('container.image is "team/score:1", and the operator’s'),
    ]);
  });

  it('of one machine is that it has no containers', async () => {
    const bounds: { kind: string } = { ...jobs() };
    ledger = await createTestLedger({ bounds: bounds as TaskPlace });
    await ledger.write({ 'a.yaml': manifest('a', limit, score) });
    await ledger.pass('sync');
    bounds.kind = 'processes';
    await ledger.ask('run', { pipeline: 'a' });
    await ledger.round();
    expect(await tasks()).toEqual([{ name: 'score', phase: 'Failed', reason: 'OutsidePolicy' }]);
  });
});
