/**
 * What a flood of web hooks costs others: `node test/bench/hooks.ts [--rate 1000] [--seconds 10]`. So many hooks a second, a third of them right, a
 * third with a wrong signature and a third sent once more, while the API is asked and runs are started. Prints one JSON object: ms of the API and of a
 * trivial run from its request to its end, without and with the flood, how hooks were answered, the
 * controller's share of a core, and resident megabytes.
 */
import { createHmac } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from '../../controller/api/client.ts';
import { makeFolder, startController } from './controller.ts';

const { values } = parseArgs({
  options: { rate: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '10' } },
});
const rate = Number(values.rate);
const ms = Number(values.seconds) * 1_000;
const secret = 'the secret of the bench';
const tickMs = 20;

const root = makeFolder('pipewright-hooks-');
writeFileSync(
  join(root, 'trivial.yaml'),
  'apiVersion: pipewright.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: trivial }\nspec:\n  blocks:\n    - { name: one, load: { inline: { rows: [{ n: 1 }] } } }\n',
);
const controller = await startController({
  dir: root,
  home: join(root, '.home'),
  args: ['--hooks-port', '0'],
  environment: { PIPEWRIGHT_HOOK_SECRET: secret },
});
const client = createClient({ server: controller.url });
try {
  const { found: hooks } = await controller.until(/http:\/\/127\.0\.0\.1:\d+\/hooks\/git/);
  await controller.until(/source synced.* changed=1\b/);
  await work(2_000);
  const began = controller.cpuSeconds();
  const without = await work(ms);
  const between = controller.cpuSeconds();
  const [flooded, answers] = await Promise.all([work(ms), flood(hooks)]);
  const share = (from: number, to: number) => Math.round(((to - from) * 100_000) / ms) / 100;
  const cores = { without: share(began, between), flooded: share(between, controller.cpuSeconds()) };
  console.log(
    JSON.stringify(
      { load: loadavg()[0]?.toFixed(1), rate, without, flooded, answers, cores, memory: controller.memory() },
      null,
      2,
    ),
  );
} finally {
  await controller.stop();
  rmSync(root, { recursive: true, force: true });
}

/** What others do meanwhile. */
async function work(lastsMs: number) {
  const end = performance.now() + lastsMs;
  const [api, runs] = [[] as number[], [] as number[]];
  const ask = async () => {
    while (performance.now() < end) {
      const began = performance.now();
      await client.pipelines();
      api.push(performance.now() - began);
      await sleep(20);
    }
  };
  const run = async () => {
    while (performance.now() < end) {
      const began = performance.now();
      const { run: name } = await client.startRun({ pipeline: 'trivial' });
      while (!['Succeeded', 'Failed'].includes((await client.run(name)).phase)) await sleep(20);
      runs.push(performance.now() - began);
    }
  };
  await Promise.all([ask(), run()]);
  return { api: spread(api), run: spread(runs) };
}

function spread(times: number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  const of = (part: number) => Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
  return { count: sorted.length, p50: of(0.5), p99: of(0.99), longest: of(1) };
}

/** Sends as many as it is told to, whether or not the earlier ones were answered. */
async function flood(url: string): Promise<Record<string, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 });
  const answers: Record<string, number> = {};
  const open: Promise<void>[] = [];
  const send = (text: string, key: string) =>
    new Promise<void>((resolve) => {
      const count = (answer: string) => {
        answers[answer] = (answers[answer] ?? 0) + 1;
        resolve();
      };
      const headers = { 'x-gitea-signature': createHmac('sha256', key).update(text).digest('hex') };
      request(url, { method: 'POST', agent, headers }, (response) => {
        response.resume().on('end', () => count(String(response.statusCode)));
      })
        .on('error', (error: NodeJS.ErrnoException) => count(String(error.code)))
        .end(text);
    });
  const began = performance.now();
  for (let sent = 0; performance.now() - began < ms; await sleep(tickMs)) {
    for (; sent < ((performance.now() - began) / 1_000) * rate; sent++) {
      const kind = sent % 3;
      open.push(
        send(JSON.stringify({ push: kind === 2 ? 0 : sent }).padEnd(8_000), kind === 1 ? 'another one' : secret),
      );
    }
  }
  await Promise.all(open);
  agent.destroy();
  return answers;
}
