import type { JobsConfig, JobsPolicy } from '../../schemas/generated/types.ts';

/** Where tasks run, as far as it decides what manifests may ask for. */
export type TaskPlace =
  | { readonly kind: 'processes' }
  | {
      readonly kind: 'jobs';
      readonly policy: JobsPolicy;
      /** Where Jobs run that ask for no namespace. */
      readonly namespace: string;
      /** The claim for the rows that tasks hand to each other; without it they cannot. No manifest may mount it. */
      readonly artifactsClaim?: string | undefined;
    };

/** Child processes of one machine: no images, no pods. */
export const onProcesses: TaskPlace = { kind: 'processes' };

/** Jobs, as their operator allows them. */
export function onJobs({ policy = {}, namespace, artifactsClaim }: JobsConfig): TaskPlace {
  return { kind: 'jobs', policy, namespace, artifactsClaim };
}
