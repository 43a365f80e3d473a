import type { Failpoint } from '../../../schemas/failpoints.ts';
import type { Kubernetes, Resource } from '../../kubernetes/client.ts';
import { KubernetesError } from '../../kubernetes/errors.ts';
import { type LaunchInput, RefusedError } from '../port.ts';
import type { Bundles } from './bundle.ts';
import { makeJob } from './job.ts';
import { jobKind } from './kinds.ts';
import { attemptOf } from './labels.ts';
import type { JobSettings } from './settings.ts';

/** Shorter than a claim on an attempt: a controller that stood still for longer must not create what was given up. */
const launchMs = 20_000;

/** The name of an attempt's Job and what it carries: known of what this controller launches. */
export type Launched = Map<string, Pick<Resource, 'metadata'>>;

export type LaunchParts = {
  readonly kubernetes: Kubernetes;
  /** Where Jobs are watched. */
  readonly namespaces: readonly string[];
  readonly bundles: Bundles;
  readonly settings: JobSettings;
  readonly launched: Launched;
  readonly failpoint?: Failpoint | undefined;
};

export async function launch(input: LaunchInput, parts: LaunchParts): Promise<void> {
  const { kubernetes, bundles, settings, launched, failpoint = () => {} } = parts;
  const { attemptId, bundle } = input.order;
  const begun = performance.now();
  const job = makeJob(input, settings);
  const { name, namespace = settings.namespace } = job.metadata;
  if (!parts.namespaces.includes(namespace)) {
    const wayOut = 'ask the operator to add it to jobs.policy.namespaces';
    throw new RefusedError('OutsidePolicy', `namespace "${namespace}" is none that the controller watches; ${wayOut}`);
  }
  launched.set(attemptId, { metadata: job.metadata });
  failpoint('jobs.before-bundle');
  // A container reads no bundle.
  if (!input.task?.container) await bundles.ensure(namespace, bundle.digest, input.bundle);
  // A crash here leaves a bundle that no Job names: the next launch finds it, or it is collected.
  failpoint('jobs.after-bundle');
  if (performance.now() - begun > launchMs) {
    throw new Error(`its Job was not created within ${launchMs / 1_000} s of the claim; the next attempt will be`);
  }
  // A crash right after this leaves a Job that the next launch of the same attempt finds by its name.
  const made = await create(job, kubernetes);
  failpoint('jobs.after-job');
  if (made === 'created') return;
  const found = await kubernetes.get(jobKind, { namespace, name });
  if (found && attemptOf(found) === attemptId) return;
  throw new Error(`a Job named "${name}" exists in namespace "${namespace}", but is not this attempt's; delete it`);
}

/** What the API server finds wrong with a Job, it finds wrong with every other one of the same task. */
async function create(job: Resource, kubernetes: Kubernetes): Promise<'created' | 'exists'> {
  try {
    return await kubernetes.create(job);
  } catch (error) {
    if (!(error instanceof KubernetesError) || ![400, 422].includes(error.status)) throw error;
    throw new RefusedError('JobRefused', `the API server refuses its Job: ${error.message}`);
  }
}
