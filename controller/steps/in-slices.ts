import { setImmediate } from 'node:timers/promises';
import type { Slices } from '../manifests/memory.ts';

/** Whoever asks the API meanwhile, and the lease of a leader, can wait so long. */
const sliceMs = 20;

/** Work of seconds, done so that everything else in this process goes on. */
export async function inSlices<Result>(work: Slices<Result>, signal: AbortSignal): Promise<Result> {
  for (let began = performance.now(); ; ) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() - began < sliceMs) continue;
    await setImmediate();
    signal.throwIfAborted();
    began = performance.now();
  }
}
