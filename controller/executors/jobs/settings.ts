/** What an operator decides about all Jobs. Fields of pods are given in the words and forms of Kubernetes. */
export type JobSettings = {
  /** Where Jobs and bundles are made unless a pipeline names another namespace. */
  readonly namespace: string;
  readonly image: string;
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  /** Instead of the entry point of the runner's image. */
  readonly command?: readonly string[];
  readonly serviceAccount?: string;
  readonly pullSecrets?: readonly string[];
  readonly resources?: object;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly object[];
  readonly affinity?: object;
  readonly priorityClass?: string;
  /** Secrets and ConfigMaps whose keys become environment variables of runners: the only ones that a connection may name. */
  readonly envFrom?: readonly object[];
  /** More variables for runners. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A claim for what tasks hand to each other; without it a pipeline of several tasks has no place for that. */
  readonly artifactsClaim?: string;
  /** The most that a pod may spill, such as `20Gi`. */
  readonly scratchSize?: string;
  readonly reportUrl: (attemptId: string) => string;
  /** What a runner shows to be allowed to report. */
  readonly token: (attemptId: string) => string;
  /** How long a pod may wait for its node, its image, a quota, in ms. */
  readonly pendingMs: number;
  /** How long an ended Job stays, in seconds: for a person, and as the mark that its attempt has been. */
  readonly ttlSeconds: number;
};

/** Without what is not given: the API takes no null for nothing. */
export function given(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
