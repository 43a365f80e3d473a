import type { PodSettings } from '../../../schemas/generated/types.ts';
import type { LaunchInput } from '../port.ts';
import { blockContainer } from './block-container.ts';
import { runnerContainer } from './runner-container.ts';
import { containerSecurity, podSecurity } from './security.ts';
import { given, type JobSettings } from './settings.ts';

export const containerName = 'runner';

/**
 * The pod of an attempt: what the operator gives to all, and what its task asks for. Where a pod may run, both must hold: a
 * manifest narrows the operator's choice and cannot leave it.
 */
export function podSpec(input: LaunchInput, settings: JobSettings): object {
  const { pod = {}, container: block } = input.task ?? {};
  const part = block ? blockContainer(block, input, settings) : runnerContainer(input, settings);
  const asked = (pod.volumes ?? []).map(split);
  const resources = pod.resources ?? settings.resources;
  const { imagePullPolicy } = settings;
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: pod.automountServiceAccountToken ?? false,
    enableServiceLinks: false,
    securityContext: podSecurity(pod.securityContext),
    // A runner keeps its own timeout; a container has nobody but the kubelet for that.
    ...(block && input.order.timeoutMs !== null ? { activeDeadlineSeconds: seconds(input.order.timeoutMs) } : {}),
    containers: [
      {
        name: containerName,
        ...part.container,
        ...given({ imagePullPolicy, resources }),
        securityContext: containerSecurity(pod.securityContext),
        volumeMounts: [...part.mounts, ...asked.map(({ mount }) => mount)],
      },
    ],
    volumes: [...part.volumes, ...asked.map(({ volume }) => volume)],
    ...placement(pod, settings),
  };
}

type Volume = NonNullable<PodSettings['volumes']>[number];

function split({ name, mountPath, readOnly, subPath, ...source }: Volume) {
  return {
    mount: { name, mountPath, ...given({ readOnly, subPath }) },
    volume: { name, ...source },
  };
}

function placement(pod: PodSettings, settings: JobSettings): object {
  const secrets = [...new Set([...(settings.pullSecrets ?? []), ...(pod.pullSecrets ?? [])])];
  return given({
    serviceAccountName: pod.serviceAccount ?? settings.serviceAccount,
    priorityClassName: pod.priorityClass ?? settings.priorityClass,
    imagePullSecrets: secrets.length === 0 ? undefined : secrets.map((name) => ({ name })),
    nodeSelector: both(pod.nodeSelector, settings.nodeSelector),
    tolerations: (settings.tolerations ?? pod.tolerations) && [
      ...(settings.tolerations ?? []),
      ...(pod.tolerations ?? []),
    ],
    affinity: both(pod.affinity, settings.affinity),
  });
}

/** The operator's fields outweigh the task's. */
function both(asked: object | undefined, decided: object | undefined): object | undefined {
  return (asked ?? decided) && { ...asked, ...decided };
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
