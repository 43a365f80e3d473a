import { pino } from 'pino';
import { createArchiver } from '../../../controller/executors/jobs/archive/archiver.ts';
import { createCache } from '../../../controller/executors/jobs/cache.ts';
import { createLook } from '../../../controller/executors/jobs/live.ts';
import { createKubernetes } from '../../../controller/kubernetes/client.ts';
import { createLogArchive } from '../../../controller/log-archive.ts';
import { runLoop } from '../../../controller/loop.ts';
import { createSignals } from '../../../controller/signals.ts';
import { createArchive } from '../../../controller/steps/archive.ts';
import { createLeader } from '../../../controller/store/leaders.ts';
import { createPool } from '../../../controller/store/pool.ts';

/** `node owner.ts '{kubeconfig, namespace, ledgerId, url}'`: a replica as far as logs go, until it is killed. */
const { kubeconfig, namespace, ledgerId, url } = JSON.parse(process.argv[2] ?? '') as Record<string, string>;
const log = pino({ level: 'silent' });
const { signal } = new AbortController();
const pool = createPool({ url: url ?? '', log });
const kubernetes = createKubernetes({ kubeconfig: kubeconfig ?? '', log });
const signals = createSignals();
const wake = () => signals.wake('archive');
const where = { kubernetes, ledgerId: ledgerId ?? '' };
const cache = createCache({ ...where, namespaces: [namespace ?? ''], onChange: wake, signal, log });
const look = createLook({ ...where, namespacesOf: () => [namespace ?? ''] });
const archive = createLogArchive({ pool });
const archiver = createArchiver({
  ...{ kubernetes, cache, look, archive, ttlSeconds: 600, onDone: wake, signal, log },
  ...{ followAfterMs: 0, everyMs: 20 },
});
const leader = createLeader({ pool, name: 'logs', holder: String(process.pid), forMs: 1_000 });
await runLoop({ step: createArchive({ leader, archiver }), signals, signal, log });
