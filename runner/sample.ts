import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import type { Sample } from '../schemas/generated/types.ts';
import type { Column } from './engine/relation.ts';
import { sampleText } from './engine/text.ts';

/** Rows of a sample. */
export const sampleRows = 10;

export type Sampler = { observe(chunk: DuckDBDataChunk): void; sample(): Sample };

/** Takes the first rows of a relation that streams by. A chunk may have more columns than the relation. */
export function createSampler(block: string, columns: readonly Column[]): Sampler {
  const rows: (string | null)[][] = [];
  return {
    observe(chunk) {
      for (let row = 0; rows.length < sampleRows && row < chunk.rowCount; row++) {
        rows.push(columns.map((_, index) => sampleText(chunk.getColumnVector(index).getItem(row))));
      }
    },
    sample: () => ({ block, columns: named(columns), rows }),
  };
}

export function sampleOf(block: string, columns: readonly Column[], rows: readonly (readonly DuckDBValue[])[]): Sample {
  return { block, columns: named(columns), rows: rows.map((row) => row.map(sampleText)) };
}

function named(columns: readonly Column[]): Sample['columns'] {
  return columns.map(({ name, type }) => ({ name, type }));
}
