import { isOlderThanUpstream } from './upstream.ts';

/** The versions that `staleColumn` compares, for `from windows w`. */
export const staleJoins = `left join versions made on made.id = w.made_by
  join pipelines shown on shown.id = w.pipeline_id left join versions today on today.id = shown.version_id`;

/**
 * Why a window's data is not what today's run would make, null where it is. Versions that were compiled before there was a digest of
 * data count as equal: nobody knows.
 */
export const staleColumn = `case when made.data_digest <> today.data_digest then 'version' when ${isOlderThanUpstream} then 'upstream' end as stale`;

/** Who marked a window by hand, while that is what it shows. */
export const markColumn = `case when w.reason = 'MarkedByHand' then w.mark end as mark`;
