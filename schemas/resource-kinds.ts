/** API group and version of every custom resource. */
export const resourceApiVersion = 'pipewright.dev/v1alpha1';

/** The custom resources: kind to the names that the API server and kubectl know it by. */
export const resourceKinds = {
  PipelineSource: { plural: 'pipelinesources', shortName: 'pws' },
  Pipeline: { plural: 'pipelines', shortName: 'pwp' },
  PipelineRun: { plural: 'pipelineruns', shortName: 'pwr' },
  Backfill: { plural: 'backfills', shortName: 'pwb' },
} as const satisfies Record<string, { plural: string; shortName: string }>;

export type ResourceKind = keyof typeof resourceKinds;

/**
 * `observedGeneration` of an object that the controller has not seen: the definitions give every new one this status, since kstatus
 * takes an object without any status for done.
 */
export const neverObserved = -1;
