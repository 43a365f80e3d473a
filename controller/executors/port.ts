import type {
  CompiledBlock,
  Container,
  PodSettings,
  Reason,
  TaskOrder,
  TaskReport,
} from '../../schemas/generated/types.ts';

/** A container block as it is run: nothing in it is left to evaluate. */
export type ContainerTask = Pick<Container, 'image' | 'command' | 'args'> & {
  readonly block: string;
  /** Where the block stands in the source, for messages. */
  readonly origin: CompiledBlock['origin'];
  readonly env: Readonly<Record<string, string | { readonly secretKeyRef: { name: string; key: string } }>>;
  /** Blocks whose rows it reads. */
  readonly inputs: readonly string[];
};

/** What a task asks of the place where it runs. */
export type TaskNeeds = { readonly pod?: PodSettings; readonly container?: ContainerTask };

/** What an executor needs beside the order. `bundle` is asked for only when the executor does not hold that digest yet. */
export type LaunchInput = {
  readonly order: TaskOrder;
  readonly bundle: () => Promise<Buffer>;
  /** Names of the environment variables and secrets that the pipeline's connections read. */
  readonly environment: readonly string[];
  readonly secrets: readonly { name: string; key: string }[];
  /** Whether its manifest lies in a folder, where only who runs the controller writes, and not in a repository. */
  readonly fromFolder?: boolean;
  /** Without it, what the executor gives to all. */
  readonly task?: TaskNeeds;
};

/** Thrown by a launch that can only be refused again: the attempt fails for `reason`, where other errors leave it lost. */
export class RefusedError extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super(message);
    this.name = 'RefusedError';
    this.reason = reason;
  }
}

/**
 * What became of an attempt, read afresh (level, not edge).
 * `absent`: nothing was ever launched under this id. `silent`: its process lives but has not beaten for too long.
 * `gone`: it was launched and ended without a report; `reason` says why where that is known.
 */
export type Observation =
  | { readonly state: 'absent' }
  | { readonly state: 'running' }
  | { readonly state: 'silent' }
  | { readonly state: 'gone'; readonly detail: string; readonly reason?: Reason }
  | { readonly state: 'reported'; readonly report: TaskReport };

/** Where an attempt is, as far as it has come, and while nothing of it runs, why: for people to act on. */
export type Place = {
  readonly namespace: string;
  readonly job?: string;
  readonly pod?: string;
  readonly node?: string;
  /** What runs there, by digest. */
  readonly image?: string;
  readonly pending?: { readonly reason: Reason; readonly message: string };
};

/**
 * Runs attempts. Every method is idempotent by attempt id and safe to call again after a crash at any place.
 * Source: docs/architecture.md, "The executor port".
 */
export interface Executor {
  /** How many attempts may be live at once. */
  readonly capacity: number;
  /** Creates the attempt at most once; a second call for the same id adopts what is there. */
  launch(input: LaunchInput): Promise<void>;
  observe(attemptIds: readonly string[]): Promise<ReadonlyMap<string, Observation>>;
  /** Asks the attempt to end (SIGTERM), and ends its whole group (SIGKILL) after a grace. Returns at once. */
  stop(attemptId: string): Promise<void>;
  /**
   * Makes sure that nothing of this attempt runs or can still start, and returns when that is so. Called before an
   * attempt is settled as lost, so that a late runner cannot begin. If it reports meanwhile, that report is returned.
   */
  fence(attemptId: string): Promise<TaskReport | null>;
  /** The log as text, from its beginning; with `follow` until the attempt has ended. */
  logs(attemptId: string, options: { follow: boolean; signal: AbortSignal }): AsyncIterable<string>;
  /**
   * Ends what still runs of attempts that are settled; `liveIds` are those that are not. A step of a controller's start: the
   * one before may have died between settling an attempt and the end of its process.
   */
  sweep(liveIds: readonly string[]): Promise<void>;
  /** Where the attempt was seen last, without asking anybody; null where that is unknown. Only of executors that have places. */
  describe?(attemptId: string): Place | null;
  /** Calls `listener` when an attempt may have ended. A hint only. */
  onChange(listener: () => void): void;
  /** Ends what waits for attempts, and returns when it has ended; attempts go on. Only of executors that keep such things. */
  close?(): Promise<void>;
}
