import { api } from '../schemas/source/api.ts';
import { backfills } from '../schemas/source/backfills.ts';
import { definitions } from '../schemas/source/blocks.ts';
import type { Schema } from '../schemas/source/common.ts';
import { manifests, parts } from '../schemas/source/manifests.ts';
import { plan } from '../schemas/source/plan.ts';
import { pools } from '../schemas/source/pools.ts';
import { provenance } from '../schemas/source/provenance.ts';
import { recovery } from '../schemas/source/recovery.ts';
import { sourceLists } from '../schemas/source/source-lists.ts';

export type Schemas = Readonly<Record<string, Schema>>;

/** What people write. */
export const written: Schemas = { ...manifests, ...parts, ...definitions };

/** What the API takes and answers. */
export const ofApi: Schemas = {
  ...api,
  ...backfills,
  ...plan,
  ...provenance,
  ...pools,
  ...recovery,
  ...sourceLists,
};
