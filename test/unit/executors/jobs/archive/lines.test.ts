import { expect, test } from 'vitest';
import {
  createMarker,
  type Line,
  type LineMark,
  linesOf,
  sinceOf,
  written,
} from '../../../../../controller/executors/jobs/archive/lines.ts';

async function read(chunks: string[], options = { toEnd: true }): Promise<Line[]> {
  const all: Line[] = [];
  for await (const lines of linesOf(from(chunks), options)) all.push(...lines);
  return all;
}

async function* from(chunks: string[]): AsyncGenerator<string> {
  yield* chunks;
}

const at = (second: number, fraction = '000000000') =>
  `2026-01-01T00:00:${String(second).padStart(2, '0')}.${fraction}Z`;

test('a line is its time and its text, however the chunks are cut', async () => {
  const text = `${at(1)} one\n${at(2)} two: 2026-01-01T00:00:00Z \n${at(3)} \n`;
  const lines = [
    { time: at(1), text: 'one' },
    { time: at(2), text: 'two: 2026-01-01T00:00:00Z ' },
    { time: at(3), text: '' },
  ];
  expect(await read([text])).toEqual(lines);
  expect(await read(text.split(''))).toEqual(lines);
});

test('times of any zone and precision sort as text', async () => {
  const text = '2026-01-01T01:00:01.5+01:00 a\n2025-12-31T19:00:02-05:00 b\n2026-01-01T00:00:02.000000001Z c\n';
  expect((await read([text])).map(({ time }) => time)).toEqual([at(1, '500000000'), at(2), at(2, '000000001')]);
});

test('what follows the last line break is a line only at the end', async () => {
  const text = `${at(1)} one\n${at(2)} tw`;
  expect((await read([text], { toEnd: false })).map((line) => line.text)).toEqual(['one']);
  expect((await read([text])).map((line) => line.text)).toEqual(['one', 'tw']);
});

test('a line without a time has that of the line before it', async () => {
  const lines = await read([`unable to read\n${at(1)} one\nfailed to watch\n`]);
  expect(lines).toEqual([
    { time: '1970-01-01T00:00:00.000000000Z', text: 'unable to read' },
    { time: at(1), text: 'one' },
    { time: at(1), text: 'failed to watch' },
  ]);
});

test('a line that fills more than a mebibyte is cut', async () => {
  const [line] = await read([`${at(1)} `, ...Array.from({ length: 40 }, () => 'x'.repeat(65_536)), '\n']);
  expect(line?.text.length).toBeLessThan(1_200_000);
  expect(line?.text.length).toBeGreaterThan(1_000_000);
});

test('what is written is read as it was', async () => {
  const lines = [
    { time: at(1), text: 'one' },
    { time: at(2), text: ' two ' },
  ];
  expect(await read(lines.map(written))).toEqual(lines);
});

function taken(mark: LineMark | null, lines: Line[]) {
  const marker = createMarker(mark);
  return { texts: lines.filter((line) => marker.take(line)).map(({ text }) => text), mark: marker.mark };
}

test('after a mark come the lines behind it, also those of its very time', () => {
  const lines = ['a', 'b', 'c', 'd'].map((text, i) => ({ time: i < 3 ? at(1) : at(2), text }));
  expect(taken(null, lines)).toEqual({ texts: ['a', 'b', 'c', 'd'], mark: { time: at(2), place: 1 } });
  expect(taken({ time: at(1), place: 2 }, lines)).toEqual({ texts: ['c', 'd'], mark: { time: at(2), place: 1 } });
  expect(taken({ time: at(1), place: 2 }, lines.slice(0, 3))).toEqual({
    texts: ['c'],
    mark: { time: at(1), place: 3 },
  });
  expect(taken({ time: at(2), place: 1 }, lines)).toEqual({ texts: [], mark: { time: at(2), place: 1 } });
});

test('where the line of the mark was rotated away, all is new', () => {
  const lines = [{ time: at(5), text: 'late' }];
  expect(taken({ time: at(1), place: 1 }, lines).texts).toEqual(['late']);
});

test('a clock that is set back while a log is followed loses no line', () => {
  const lines = [
    { time: at(1), text: 'known' },
    { time: at(9), text: 'fast' },
    { time: at(0), text: 'set back' },
  ];
  expect(taken({ time: at(1), place: 1 }, lines)).toEqual({
    texts: ['fast', 'set back'],
    mark: { time: at(0), place: 1 },
  });
});

test('a node is asked from the second of the mark on', () => {
  expect(sinceOf(null)).toEqual({});
  expect(sinceOf({ time: at(1, '900000000'), place: 3 })).toEqual({ since: '2026-01-01T00:00:01Z' });
});
