import type { TaskOrder } from '../../../schemas/generated/types.ts';
import type { Resource } from '../../kubernetes/client.ts';
import type { ContainerTask, LaunchInput } from '../port.ts';
import { attemptAnnotation, containerAnnotation, endedAnnotation, labelsOf } from './labels.ts';
import { jobName } from './name.ts';
import { containerName, podSpec } from './pod.ts';
import { containerSecurity, podSecurity } from './security.ts';
import type { JobSettings } from './settings.ts';

/** The Job of an attempt. Pure: the same order gives the same Job. */
export function makeJob(input: LaunchInput, settings: JobSettings): Resource {
  const { order, task } = input;
  const metadata = metadataOf(order, task?.container);
  const namespace = task?.pod?.namespace ?? settings.namespace;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, name: jobName(order), namespace },
    spec: {
      backoffLimit: 0,
      // A disrupted pod (drain, preemption, pressure on its node) is followed by another one of the same attempt.
      podFailurePolicy: {
        rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
      // Never two pods at once: the next one comes when the last one has ended, not when it is asked to.
      podReplacementPolicy: 'Failed',
      // The runner keeps its own timeout. This one holds when it does not, or when no controller is there to look.
      ...(order.timeoutMs === null
        ? {}
        : { activeDeadlineSeconds: Math.ceil((order.timeoutMs + settings.pendingMs) / 1_000) }),
      // Without a time to live: it is given one when its log is kept and its outcome too (archive/).
      template: { metadata, spec: podSpec(input, settings) },
    },
  };
}

/**
 * A Job without a pod under the name of an attempt that must never begin (again): it has ended when it is made, and whoever
 * comes late with the real one finds the name taken.
 */
export function makeTombstone(job: Pick<Resource, 'metadata'>, settings: JobSettings): Resource {
  const { name, namespace, labels, annotations } = job.metadata;
  const metadata = { labels: labels ?? {}, annotations: { ...annotations, [endedAnnotation]: 'fence' } };
  const container = { name: containerName, image: settings.image, securityContext: containerSecurity() };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, name, ...(namespace === undefined ? {} : { namespace }) },
    spec: {
      completions: 0,
      parallelism: 0,
      backoffLimit: 0,
      ttlSecondsAfterFinished: settings.ttlSeconds,
      template: {
        metadata,
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: podSecurity(),
          containers: [container],
        },
      },
    },
  };
}

/** What the Job and its pods carry. */
function metadataOf(order: TaskOrder, container: ContainerTask | undefined) {
  const about = container && { [containerAnnotation]: JSON.stringify({ block: container.block, ...container.origin }) };
  return { labels: labelsOf(order), annotations: { [attemptAnnotation]: order.attemptId, ...about } };
}
