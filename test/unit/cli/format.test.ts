import { describe, expect, test } from 'vitest';
import { bytes, count, counted } from '../../../cli/format/amounts.ts';
import { sampleTable } from '../../../cli/format/sample.ts';
import { table } from '../../../cli/format/table.ts';
import { duration, localTime, relative } from '../../../cli/format/times.ts';
import { createTerminal, type Terminal } from '../../../cli/terminal.ts';

function terminal(more: Partial<Terminal> = {}): Terminal {
  const plain = createTerminal({ stdout: process.stdout, stderr: process.stderr, env: { NO_COLOR: '1' } });
  return { ...plain, columns: 100, ...more };
}

describe('times', () => {
  test('are as short as they stay clear', () => {
    expect([0, 850, 1000, 59_949, 59_950, 125_000, 3_600_000, 11_220_000, 187_200_000].map(duration)).toEqual([
      '0ms',
      '850ms',
      '1.0s',
      '59.9s',
      '1m 00s',
      '2m 05s',
      '1h 00m',
      '3h 07m',
      '2d 04h',
    ]);
  });

  test('are told from now, in both directions, and as a date when far away', () => {
    const now = new Date('2026-01-31T12:00:00Z');
    const texts = [
      '2026-01-31T11:59:48Z',
      '2026-01-31T11:58:00Z',
      '2026-01-31T15:00:00Z',
      '2026-01-29T12:00:00Z',
      '2019-01-01T00:00:00Z',
    ];
    expect(texts.map((text) => relative(text, now))).toEqual(['12s ago', '2m ago', 'in 3h', '2d ago', '2019-01-01']);
  });

  test('are local in a zone, with seconds only where there are any', () => {
    expect(localTime('2019-01-01T05:00:00Z', 'America/New_York')).toBe('2019-01-01 00:00');
    expect(localTime('2019-01-01T05:00:07Z', 'UTC')).toBe('2019-01-01 05:00:07');
  });
});

describe('amounts', () => {
  test('have separators and units', () => {
    expect([count(1_234_567), counted(1, 'row'), counted(0, 'row')]).toEqual(['1,234,567', '1 row', '0 rows']);
    expect([0, 999, 1000, 999_949, 999_950, 12_300_000, 5e12].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '999.9 kB',
      '1.0 MB',
      '12.3 MB',
      '5.0 TB',
    ]);
  });
});

describe('a table', () => {
  test('has aligned columns without lines, and leaves out columns that are empty', () => {
    const text = table(
      ['NAME', 'EMPTY', 'PHASE'],
      [
        ['a', '', 'Succeeded'],
        ['longer', '', 'Failed'],
      ],
      terminal(),
    );
    expect(text).toBe('NAME    PHASE\na       Succeeded\nlonger  Failed');
  });

  test('cuts its widest column where the terminal is narrow, and nothing where there is none', () => {
    const rows = [['x'.repeat(80), 'short', 'y'.repeat(30)]];
    const cut = table(['A', 'B', 'C'], rows, terminal({ columns: 60 }));
    expect(Math.max(...cut.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(cut).toContain('…');
    expect(table(['A', 'B', 'C'], rows, terminal({ columns: Number.POSITIVE_INFINITY }))).toContain('x'.repeat(80));
  });

  test('never cuts a name, which people copy', () => {
    const name = 'n'.repeat(70);
    expect(table(['NAME', 'REASON'], [[name, 'r'.repeat(30)]], terminal({ columns: 60 }))).toContain(
      `${name}  rrrrrrr…`,
    );
  });
});

describe('a sample', () => {
  const columns = (n: number) => Array.from({ length: n }, (_, i) => ({ name: `column_${i}`, type: 'INTEGER' }));

  test('shows names, types, values and null', () => {
    const text = sampleTable(
      { block: 'trips', columns: [{ name: 'n', type: 'BIGINT' }], rows: [['1'], [null]] },
      terminal(),
    );
    expect(text).toMatch(/^Sample of trips \(2 rows\)\n/);
    for (const part of ['n', 'BIGINT', '1', 'null']) expect(text).toContain(part);
  });

  test('fits into 100 columns and names the columns that do not', () => {
    const text = sampleTable(
      { block: 'wide', columns: columns(18), rows: [Array.from({ length: 18 }, (_, i) => `value ${i}`)] },
      terminal(),
    );
    const lines = text.split('\n');
    expect(Math.max(...lines.slice(0, -1).map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(lines.at(-1)).toMatch(/^and 9 more columns: column_9, column_10/);
  });

  test('keeps a value on one short line without what would steer the terminal', () => {
    const text = sampleTable(
      { block: 'odd', columns: columns(1), rows: [['\u001b[2Ja\nb'], ['z'.repeat(500)]] },
      terminal(),
    );
    expect(text).not.toContain('\u001b');
    expect(text).toContain(`${'z'.repeat(31)}…`);
  });
});
