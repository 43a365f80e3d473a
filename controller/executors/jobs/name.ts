import { createHash } from 'node:crypto';
import type { TaskOrder } from '../../../schemas/generated/types.ts';

const longest = 63;

/** What tells attempts apart in a namespace that several ledgers may share; ten hexadecimal digits. */
export function attemptHash(ledgerId: string, attemptId: string): string {
  return createHash('sha256').update(`${ledgerId}/${attemptId}`).digest('hex').slice(0, 10);
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

/** A text as the value of a label: what is too long is cut and ended by a hash. */
export function labelValue(text: string): string {
  if (text.length <= longest) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return `${text.slice(0, longest - 11).replace(/[^A-Za-z0-9]+$/, '')}-${hash}`;
}

/** The name of the ConfigMap that holds a bundle. `digest` may begin with the name of its algorithm. */
export function bundleName(digest: string): string {
  return `pipewright-bundle-${bundleKey(digest)}`;
}

export function bundleKey(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1, digest.indexOf(':') + 17);
}
