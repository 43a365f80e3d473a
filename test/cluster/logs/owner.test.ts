import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { order } from '../../unit/executors/jobs/order.ts';
import { soon, useLogs } from './bench.ts';

const at = useLogs();
const replicas: ChildProcess[] = [];

function startReplica(): ChildProcess {
  const { namespace } = at;
  const { connectionString: url } = at.ledger.pool.options;
  const options = { kubeconfig: at.plane.kubeconfig, namespace, ledgerId: order().ledgerId, url };
  const program = fileURLToPath(new URL('./owner.ts', import.meta.url));
  const replica = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  replicas.push(replica);
  return replica;
}

async function kill(replica: ChildProcess): Promise<void> {
  if (replica.exitCode !== null || replica.signalCode !== null) return;
  const gone = once(replica, 'exit');
  replica.kill('SIGKILL');
  await gone;
}

afterEach(async () => {
  await Promise.all(replicas.splice(0).map(kill));
});

const leader = async () => (await at.ledger.query(`select holder from leaders where name = 'logs'`))[0]?.holder;

test('when the owner is killed in the middle, another goes on: every line is kept once, in its order', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  const lines: string[] = [];
  const writing = setInterval(() => {
    lines.push(`line ${lines.length}`);
    at.kubelet.write(pod, lines.slice(-1), { sameTime: lines.length % 3 !== 1 });
  }, 2);
  const pool = [startReplica(), startReplica()];
  for (let kills = 0; kills < 3; kills++) {
    const before = (await at.kept()).length;
    await expect.poll(async () => (await at.kept()).length, soon).toBeGreaterThan(before);
    const holder = await leader();
    const owner = pool.findIndex(({ pid }) => String(pid) === holder);
    await kill(pool[owner] as ChildProcess);
    pool.splice(owner, 1, startReplica());
  }
  clearInterval(writing);
  await at.finish(pod);
  await at.settle();
  await expect.poll(() => at.ttlOf(), soon).toBe(600);
  expect((await at.kept()).trim().split('\n')).toEqual(lines);
}, 120_000);
