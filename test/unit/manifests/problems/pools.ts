import { pipeline } from '../sources.ts';
import type { Case } from './case.ts';

const load = 'load: { inline: { rows: [{ n: 1 }] } }';
const pool = (spec: string) =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: Pool\nmetadata: { name: gpu }\nspec: ${spec}\n`;
const using = (blockPool: string, own = '') =>
  pipeline('p', `${own}  blocks:\n    - name: one\n      ${load}\n      pool: ${blockPool}\n`);

/** What can be wrong with pools and with what names them. */
export const pools: readonly Case[] = [
  [
    'unknown-pool',
    'pipeline "p": block "one": pool names "gpus", and there is no such Pool; did you mean "gpu"?',
    using('«gpus'),
    pool('{ slots: 1 }'),
  ],
  [
    'unknown-pool',
    'pipeline "p": pool names "gpu", and there is no such Pool; add a Pool manifest of that name',
    pipeline('p', `  pool: «gpu\n  blocks:\n    - name: one\n      ${load}\n`),
  ],
  [
    'pool-circle',
    'pipeline "p": block "one": pool is the pool that the run holds a slot of, so that its runs can wait for themselves; choose another pool, or remove `pool` from the pipeline',
    using('«gpu', '  pool: gpu\n'),
    pool('{ slots: 1 }'),
  ],
];
