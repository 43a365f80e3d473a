import { type ContainerTask, type LaunchInput, RefusedError } from '../port.ts';
import { literal, type PodPart } from './pod-part.ts';
import { given, type JobSettings } from './settings.ts';

/** The container of a `container` block: its image, what it reads as files of `/inputs`, and room to write in `/tmp`. */
export function blockContainer(
  task: ContainerTask,
  { order, task: needs }: LaunchInput,
  { artifactsClaim, scratchSize }: JobSettings,
): PodPart {
  const { block, image, command, args, inputs } = task;
  if (inputs.length > 0 && artifactsClaim === undefined) {
    const wayOut = 'ask the operator for `artifactsClaim`, or write `needs` instead of `from`';
    throw new RefusedError(
      'InternalError',
      `block "${block}" reads rows, and there is no place to hand them over; ${wayOut}`,
    );
  }
  const hasOwnTmp = needs?.pod?.volumes?.some(({ mountPath }) => mountPath === '/tmp') ?? false;
  return {
    container: {
      image,
      ...given({ command: command?.map(literal), args: args?.map(literal) }),
      env: environment(task),
      // Without outputs of its own, the end of the log of a container that failed stands in the pod's status.
      terminationMessagePolicy: 'FallbackToLogsOnError',
    },
    mounts: [
      ...(hasOwnTmp ? [] : [{ name: 'pipewright-tmp', mountPath: '/tmp' }]),
      ...inputs.map((input) => ({
        name: 'pipewright-inputs',
        mountPath: `/inputs/${input}.parquet`,
        subPath: `${order.taken?.[input] ?? order.run.id}/${input}.parquet`,
        readOnly: true,
      })),
    ],
    volumes: [
      ...(hasOwnTmp ? [] : [{ name: 'pipewright-tmp', emptyDir: given({ sizeLimit: scratchSize }) }]),
      ...(inputs.length === 0
        ? []
        : [{ name: 'pipewright-inputs', persistentVolumeClaim: { claimName: artifactsClaim } }]),
    ],
  };
}

function environment({ env }: ContainerTask): object[] {
  // The root file system is read-only, and many programs write into their home.
  return Object.entries({ HOME: '/tmp', ...env }).map(([name, value]) =>
    typeof value === 'string' ? { name, value: literal(value) } : { name, valueFrom: value },
  );
}
