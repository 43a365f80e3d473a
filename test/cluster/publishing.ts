import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { refusalOf } from '../../controller/cluster-sources.ts';
import { createKubernetes, type Kubernetes } from '../../controller/kubernetes/client.ts';
import { createPublisher } from '../../controller/publish/publisher.ts';
import { createClusterView } from '../../controller/publish/view.ts';
import { createBlocks } from '../../controller/steps/pipeline-blocks.ts';
import { createPublish } from '../../controller/steps/publish.ts';
import { createReceive } from '../../controller/steps/receive.ts';
import type { Step } from '../../controller/steps/step.ts';
import { createLeader } from '../../controller/store/leaders.ts';
import { resourceApiVersion } from '../../schemas/resource-kinds.ts';
import { createTestLedger, type TestLedger } from '../support/ledger.ts';
import { installDefinitions } from './custom-resources.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

const log = pino({ level: 'silent' });

export const soon = { interval: 50, timeout: 30_000 };

/** Lines of a spec: monthly windows from January 2019 on, all due. */
export const months = (end: string, more = '') =>
  `schedule: { every: month, startAt: 2019-01-01, endAt: ${end}, catchUp: all }\nmaxActiveRuns: 50\n${more}`;

/**
 * The steps `publish` and `receive` of a replica on a real API server, each test in a namespace and a ledger of its own. Registers
 * the hooks for that. The test runs the passes.
 */
export function createPublishing() {
  let plane: ControlPlane;
  let ledger: TestLedger;
  let kubernetes: Kubernetes;
  let namespace = '';
  let count = 0;
  let stop: AbortController;
  let steps: { publish: Step; receive: Step };
  let ended: Promise<unknown>;

  beforeAll(async () => {
    plane = await startControlPlane();
    await installDefinitions(plane);
  }, firstStart);
  afterAll(() => plane?.stop());

  beforeEach(async () => {
    namespace = `publish-${++count}`;
    await plane.kubectl(['create', 'namespace', namespace]);
    ledger = await createTestLedger({ publishes: true, capacity: 1000 });
    kubernetes = createKubernetes({ kubeconfig: plane.kubeconfig, log, qps: 1_000, burst: 1_000 });
    stop = new AbortController();
    connect(3);
  });
  afterEach(async () => {
    stop.abort();
    await ended;
    await ledger.close();
  });

  /** A replica: its steps, its memory, its watches. `own`: what its flags declare. */
  function connect(history: number, own = ['local']): void {
    const { pool } = ledger;
    const blocks = createBlocks({ pool });
    const wake = () => {};
    const view = createClusterView({ kubernetes, namespace, signal: stop.signal, onChange: wake });
    const ownSources = new Map(own.map((name) => [name, { folder: { path: ledger.dir } }]));
    const sources = { own: ownSources, objects: view.sources.objects, refusalOf };
    const publisher = createPublisher({ kubernetes, namespace, history, blocks, sources, log });
    const leader = createLeader({ pool, name: 'publish', holder: 'test', forMs: 60_000 });
    const rest = { run: {}, pipeline: {} };
    steps = {
      publish: createPublish({ pool, leader, publisher, history, rest }),
      receive: createReceive({ pool, leader, kubernetes, view, publisher, sources, blocks, wake, log }),
    };
    ended = view.ended;
  }

  async function pass(...names: (keyof typeof steps)[]): Promise<void> {
    for (const name of names) while ((await steps[name].pass(stop.signal)).kind === 'again');
  }

  const kubectl = (...args: string[]) => plane.kubectl(['--namespace', namespace, ...args]);
  const json = async (...args: string[]) => JSON.parse(await kubectl('get', ...args, '-o', 'json'));

  return {
    get ledger(): TestLedger {
      return ledger;
    },
    get namespace(): string {
      return namespace;
    },
    /** Another replica takes over, which remembers nothing. */
    connect,
    pass,
    kubectl,
    json,
    /** The way of the data until every run has ended, then what it shows. */
    async finish(): Promise<void> {
      await ledger.round();
      ledger.fake.endAll('Succeeded');
      await ledger.round();
      await pass('publish');
    },
    async names(plural: string): Promise<string[]> {
      const printed = await kubectl('get', plural, '-o', 'name');
      return printed.split('\n').flatMap((line) => (line ? [line.split('/')[1] as string] : []));
    },
    async table(...args: string[]): Promise<string[][]> {
      const lines = (await kubectl('get', ...args)).trimEnd().split('\n');
      return lines.map((line) => line.trimEnd().split(/ {2,}/));
    },
    edit: (plural: string, name: string, spec: object) =>
      kubectl('patch', plural, name, '--type=merge', '-p', JSON.stringify({ spec })),
    create(kind: string, name: string, spec: object): Promise<string> {
      const object = { apiVersion: resourceApiVersion, kind, metadata: { name, namespace }, spec };
      return plane.kubectl(['create', '-f', '-'], JSON.stringify(object));
    },
    requests: () => ledger.query('select kind, body, actor, origin from requests order by id'),
    /** Messages of the Events of a reason, about objects of a kind. */
    async events(reason: string, kind = 'Pipeline'): Promise<string[]> {
      const { items } = await json('events', `--field-selector=reason=${reason},involvedObject.kind=${kind}`);
      return items.map((event: { message: string }) => event.message);
    },
    /** Writes to objects of a kind so far. */
    writes: (plural: string): number =>
      kubernetes
        .calls()
        .filter(
          ({ verb, resource }) => ['apply', 'patch', 'create'].includes(verb) && resource.split('/')[0] === plural,
        )
        .reduce((sum, call) => sum + call.count, 0),
  };
}
