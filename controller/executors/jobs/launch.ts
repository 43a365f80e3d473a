import type { Kubernetes, Resource } from '../../kubernetes/client.ts';
import type { LaunchInput } from '../port.ts';
import type { Bundles } from './bundle.ts';
import { type JobSettings, makeJob } from './job.ts';
import { jobKind } from './kinds.ts';
import { attemptOf } from './labels.ts';

/** Shorter than a claim on an attempt: a controller that stood still for longer must not create what was given up. */
const launchMs = 20_000;

/** The name of an attempt's Job and what it carries: known of what this controller launches. */
export type Launched = Map<string, Pick<Resource, 'metadata'>>;

export async function launch(
  input: LaunchInput,
  parts: { kubernetes: Kubernetes; bundles: Bundles; settings: JobSettings; launched: Launched },
): Promise<void> {
  const { kubernetes, bundles, settings, launched } = parts;
  const { attemptId, bundle } = input.order;
  const begun = performance.now();
  const job = makeJob(input, settings);
  launched.set(attemptId, { metadata: job.metadata });
  await bundles.ensure(bundle.digest, input.bundle);
  if (performance.now() - begun > launchMs) {
    throw new Error(`its Job was not created within ${launchMs / 1_000} s of the claim; the next attempt will be`);
  }
  // A crash right after this leaves a Job that the next launch of the same attempt finds by its name.
  if ((await kubernetes.create(job)) === 'created') return;
  const { name } = job.metadata;
  const found = await kubernetes.get(jobKind, { namespace: settings.namespace, name });
  if (found && attemptOf(found) === attemptId) return;
  throw new Error(
    `a Job named "${name}" exists in namespace "${settings.namespace}", but is not this attempt's; delete it`,
  );
}
