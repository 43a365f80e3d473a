import type { Reason } from '../../../schemas/generated/types.ts';
import type { Pod } from './kinds.ts';

/** Why an attempt does not run although it was launched. `message` is a sentence's part. */
export type Pending = { readonly reason: Reason; readonly message: string };

const waiting: Readonly<Record<string, Reason>> = {
  ErrImagePull: 'ImagePullFailed',
  ImagePullBackOff: 'ImagePullFailed',
  InvalidImageName: 'ImagePullFailed',
  ErrImageNeverPull: 'ImagePullFailed',
  ImageInspectError: 'ImagePullFailed',
  RegistryUnavailable: 'ImagePullFailed',
  CreateContainerConfigError: 'MissingSecret',
  CreateContainerError: 'PodNotStarted',
  RunContainerError: 'PodNotStarted',
};

/** Null when it runs, or when nobody has said what it waits for. `refusal`: why the Job gets no pod at all. */
export function whyPending(pod: Pod | null, refusal: string | null): Pending | null {
  if (!pod) return refusal === null ? null : { reason: 'PodRefused', message: refusal };
  if (pod.status?.phase !== 'Pending' && pod.status?.phase !== undefined) return null;
  for (const { state } of pod.status?.containerStatuses ?? []) {
    const reason = waiting[state?.waiting?.reason ?? ''];
    if (reason) return { reason, message: join(state?.waiting?.reason, state?.waiting?.message) };
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    return { reason: 'Unschedulable', message: join(scheduled.reason, scheduled.message) };
  }
  return null;
}

function join(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(': ');
}
