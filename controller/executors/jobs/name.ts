import type { TaskOrder } from '../../../schemas/generated/types.ts';
import { shortHash } from '../../kubernetes/short-names.ts';

const longest = 63;

/** What tells attempts apart in a namespace that several ledgers may share; ten hexadecimal digits. */
export function attemptHash(ledgerId: string, attemptId: string): string {
  return shortHash(`${ledgerId}/${attemptId}`);
}

/**
 * The name of the attempt's Job: `<pipeline>-<window>-<run no>-<task>-<attempt>-<hash>`, and for a run without window
 * `<run name>-<task>-<attempt>-<hash>`; a DNS label. It is a function of the order alone, so that a Job which exists is found
 * and never made twice. When it is too long, the pipeline gives way first: what differs between its Jobs stays readable.
 */
export function jobName({ attemptId, ledgerId, pipeline, run, window, task, attempt }: TaskOrder): string {
  const which = window ? `${window.label}-${run.runNo}` : run.name.slice(pipeline.length + 1);
  const tail = `-${which}-${task}-${attempt}`;
  const room = longest - 1 - 10;
  const head = pipeline.slice(0, Math.max(8, room - tail.length));
  const readable = `${head}${tail}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, room)
    .replace(/-+$/, '');
  return `${readable}-${attemptHash(ledgerId, attemptId)}`;
}

/** The name of the ConfigMap that holds a bundle. `digest` may begin with the name of its algorithm. */
export function bundleName(digest: string): string {
  return `pipewright-bundle-${bundleKey(digest)}`;
}

export function bundleKey(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1, digest.indexOf(':') + 17);
}
