import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Bundle, TaskOrder } from '../../schemas/generated/types.ts';
import type { Requested } from './usage.ts';

export type ReportTo = { readonly url: string; readonly token: string };

export type Settings = {
  readonly order: TaskOrder;
  readonly scratch: string;
  /** Where the kubelet looks for the pod's last words. */
  readonly terminationLog: string;
  /** Null where nobody listens: then the small report is all there is. */
  readonly reportTo: ReportTo | null;
  /** The folder of the container's cgroup. */
  readonly cgroup: string;
  /** Null where this is no pod: then the cgroup tells of more than this process. */
  readonly requested: Requested | null;
  /** What connections may read: all but the token, with which a manifest could send this attempt's report itself. */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/**
 * What the Job's manifest says: `PIPEWRIGHT_ORDER` (a TaskOrder as JSON), `PIPEWRIGHT_REPORT_URL` and `PIPEWRIGHT_REPORT_TOKEN`,
 * `PIPEWRIGHT_REQUESTED_MEMORY` in bytes and `PIPEWRIGHT_REQUESTED_CPU` in thousandths; for tests also `PIPEWRIGHT_SCRATCH`,
 * `PIPEWRIGHT_TERMINATION_LOG` and `PIPEWRIGHT_CGROUP`.
 */
export function readSettings(variables: NodeJS.ProcessEnv): Settings {
  const { PIPEWRIGHT_REPORT_TOKEN: token, ...environment } = variables;
  const { PIPEWRIGHT_ORDER: order, PIPEWRIGHT_REPORT_URL: url } = environment;
  const { PIPEWRIGHT_REQUESTED_MEMORY: memory, PIPEWRIGHT_REQUESTED_CPU: cpu } = environment;
  if (!order) throw new Error('PIPEWRIGHT_ORDER is missing; the controller gives it to every Job that it makes');
  return {
    order: JSON.parse(order) as TaskOrder,
    // A folder below the volume: the volume itself could not be removed.
    scratch: join(environment.PIPEWRIGHT_SCRATCH ?? '/scratch', 'task'),
    terminationLog: environment.PIPEWRIGHT_TERMINATION_LOG ?? '/dev/termination-log',
    reportTo: url && token ? { url, token } : null,
    cgroup: environment.PIPEWRIGHT_CGROUP ?? '/sys/fs/cgroup',
    requested: memory && cpu ? { memoryBytes: Number(memory), cpuMillis: Number(cpu) } : null,
    environment,
  };
}

/** From the mounted ConfigMap, where it is compressed. */
export function readBundle({ bundle }: TaskOrder): Bundle {
  return JSON.parse(String(gunzipSync(readFileSync(bundle.path)))) as Bundle;
}
