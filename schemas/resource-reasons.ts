/** Reasons that conditions and Events of custom resources carry beside those of runs (reasons.ts) and the phases themselves. */
export const resourceReasons = {
  Synced: 'What the source says, or the newest manifest of the pipeline, is what runs.',
  ManifestInvalid: 'The newest manifest, or one of the source, has problems; the last good version goes on.',
  NotFromSource: 'No source has a pipeline of this name; the object does nothing.',
  NotConfigured: 'The source asks for what only the settings of the controller may name, as a folder; it is not read.',
  Syncing: 'What the source says now is being read for the first time.',
  FetchFailed: 'The source cannot be read; it is tried again, and what was read last goes on.',
  DriftCorrected: 'Fields that belong to the source were changed in the cluster and have been put back.',
  Suspended: 'A person stopped the schedule in the cluster, the backfill or the source.',
  Resumed: 'A person started the schedule again in the cluster, or the backfill.',
  Refused: 'What the object asks for cannot be granted.',
} as const;

export type ResourceReason = keyof typeof resourceReasons;
