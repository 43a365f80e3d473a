import type { SecurityContext } from '../../../schemas/generated/types.ts';
import { given } from './settings.ts';

/** The user and group of the runner's image; nobody on the node. */
const nobody = 65532;

/** Who the pod's processes are: nobody, unless the task says otherwise. An image that may run as root runs as its own user. */
export function podSecurity({ runAsUser, runAsGroup, runAsNonRoot }: SecurityContext = {}): object {
  const nonRoot = runAsNonRoot ?? runAsUser !== 0;
  const user = runAsUser ?? (nonRoot ? nobody : undefined);
  return given({
    runAsNonRoot: nonRoot,
    runAsUser: user,
    runAsGroup: runAsGroup ?? (user ? nobody : undefined),
    // Whoever a task runs as, it reads and writes what tasks hand to each other.
    fsGroup: nobody,
    // A claim with many files would otherwise be walked through before every pod.
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  });
}

/** What the container's processes may do: as little as there is, unless the task says otherwise. */
export function containerSecurity(asked: SecurityContext = {}): object {
  const { privileged = false, readOnlyRootFilesystem = true, capabilities } = asked;
  const add = capabilities?.add ?? [];
  // The API refuses to keep from escalation what has all privileges anyway.
  const hasAll = privileged || add.includes('SYS_ADMIN');
  return {
    allowPrivilegeEscalation: asked.allowPrivilegeEscalation ?? hasAll,
    privileged,
    readOnlyRootFilesystem,
    capabilities: { drop: ['ALL'], ...(add.length === 0 ? {} : { add }) },
  };
}
