/**
 * Every machine-readable reason that a run, task, attempt or window can carry. The reference page is made of this table.
 * `retry`: whether a failed attempt with this reason counts against the task's `retry` policy (`policy`), is tried again
 * apart from it (`lost`), or ends the task at once (`never`).
 */
export const reasons = {
  LoadFailed: { retry: 'policy', description: 'A load could not read its system.' },
  InputTooLarge: { retry: 'never', description: 'A body was larger than `maxBytes`.' },
  InvalidInput: {
    retry: 'never',
    description: 'What was read does not have the declared form: header, type, truncated compression.',
  },
  TransformFailed: { retry: 'policy', description: 'The engine refused or failed a transform.' },
  CheckFailed: { retry: 'never', description: 'A check of severity `error` failed.' },
  ExportFailed: { retry: 'policy', description: 'An export could not write its target.' },
  SchemaMismatch: { retry: 'never', description: 'The rows do not fit the existing table.' },
  OutsideWindow: { retry: 'never', description: 'Rows of a `replaceWindow` export lie outside the window.' },
  Superseded: {
    retry: 'never',
    description: 'A later attempt or run has claimed the target; this one changed nothing.',
  },
  ConnectionFailed: { retry: 'policy', description: 'A connection could not be opened.' },
  ExpressionFailed: { retry: 'never', description: 'A `{{ }}` or `when` could not be evaluated.' },
  MissingSecret: {
    retry: 'policy',
    description: 'A secret or environment variable that a connection names is not there.',
  },
  OutOfMemory: { retry: 'policy', description: 'The engine ran out of memory or scratch.' },
  TimedOut: { retry: 'policy', description: 'The attempt, the run or a wait took longer than its `timeout`.' },
  ArtifactGone: {
    retry: 'never',
    description: 'Rows that a rerun took over from a run before are no longer kept.',
  },
  InternalError: { retry: 'policy', description: 'The runner failed in a way that is not the pipeline’s doing.' },
  Lost: { retry: 'lost', description: 'The attempt ended without a report, or its runner fell silent.' },
  JobDeleted: { retry: 'lost', description: 'The attempt’s Job was deleted by somebody else than the controller.' },
  NodeLost: { retry: 'lost', description: 'The node that the attempt’s pod ran on no longer answers.' },
  Evicted: {
    retry: 'policy',
    description: 'The attempt’s pod was evicted for what it used, such as scratch above its limit.',
  },
  ImagePullFailed: { retry: 'policy', description: 'The image of the attempt’s pod could not be pulled in time.' },
  Unschedulable: { retry: 'policy', description: 'No node took the attempt’s pod in time.' },
  PodRefused: {
    retry: 'policy',
    description: 'The attempt’s Job got no pod in time: a quota or an admission policy refused it.',
  },
  PodNotStarted: { retry: 'policy', description: 'The attempt’s pod did not start in time, for another reason.' },
  BundleTooLarge: { retry: 'never', description: 'The pipeline’s code is more than a Job can be given.' },
  JobRefused: { retry: 'policy', description: 'The API server refused the attempt’s Job as it stands.' },
  ContainerFailed: { retry: 'policy', description: 'The container of a `container` block ended with an error.' },
  InvalidOutputs: {
    retry: 'never',
    description: 'A container succeeded, but its termination message is no JSON object of texts, numbers and booleans.',
  },
  OutsidePolicy: {
    retry: 'never',
    description: 'The task’s pod asks for something that the operator’s policy does not allow (any more).',
  },
  LostTooOften: { retry: 'never', description: 'Ten attempts of the task were lost.' },
  UpstreamFailed: {
    retry: 'never',
    description: 'A task that this one needs failed, or a window that the run waited for.',
  },
  UpstreamSkipped: { retry: 'never', description: 'A task that this one needs was skipped.' },
  ConditionFalse: { retry: 'never', description: 'The block’s `when` was false.' },
  CancelledByRequest: { retry: 'never', description: 'A person or program asked for it.' },
  Busy: {
    retry: 'never',
    description:
      '`whenBusy: skip`: as many runs as `maxActiveRuns` allows were running when the window came to be run.',
  },
  Replaced: { retry: 'never', description: '`whenBusy: replace`: a newer window of the schedule took its place.' },
  CatchUpLatest: { retry: 'never', description: 'The window was missed and `catchUp: latest` runs only the newest.' },
  CatchUpNone: { retry: 'never', description: 'The window was missed and `catchUp: none` runs none.' },
  CatchUpLimit: {
    retry: 'never',
    description: 'More windows were missed than `maxWindows` of `catchUp` lets run; it is older than those.',
  },
  AwaitsTurn: {
    retry: 'never',
    description: 'The window was missed and gets its run when `rate` and `maxActiveRuns` allow it.',
  },
  DeadlineMissed: { retry: 'never', description: 'The window had not succeeded by its `deadline`.' },
  MarkedByHand: { retry: 'never', description: 'A person marked the window; its note says why.' },
  ScheduleFailed: {
    retry: 'never',
    description: 'The windows of a schedule can no longer be computed; it is tried again every ten minutes.',
  },
  NotKept: {
    retry: 'never',
    description: 'The window is older than `--retain-windows` and its runs are no longer kept.',
  },
  PipelineRetired: { retry: 'never', description: 'The pipeline’s manifest is gone.' },
  BackfillRemoved: {
    retry: 'never',
    description:
      'The backfill was taken out: its manifest, or the object that asked for it, is gone or says something else.',
  },
  BackfillRefused: { retry: 'never', description: 'What the backfill’s manifest asks for cannot be granted.' },
  WindowsFailed: { retry: 'never', description: 'All windows of the backfill have ended, and not all succeeded.' },
} as const satisfies Record<string, { retry: 'policy' | 'lost' | 'never'; description: string }>;

/** How many attempts of one task may be lost before it fails as `LostTooOften`. */
export const lostLimit = 10;
