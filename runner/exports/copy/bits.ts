import { DuckDBVector } from '@duckdb/node-api';
import { bytesWriter, type FieldWriter } from './fields.ts';

/** BIT → bit varying: a count of bits, then the bits from the left. */
export const bitWriter: FieldWriter = bytesWriter((vector) => {
  const values = DuckDBVector.create(vector.handle, vector.rows);
  return (row) => {
    const bits = String(values.getItem(row));
    const bytes = Buffer.alloc(4 + Math.ceil(bits.length / 8));
    bytes.writeInt32BE(bits.length);
    for (let index = 0; index < bits.length; index++) {
      if (bits[index] === '1') bytes[4 + (index >> 3)] = (bytes[4 + (index >> 3)] as number) | (0x80 >> (index & 7));
    }
    return bytes;
  };
});
