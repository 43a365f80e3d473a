import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { measureUsage } from '../../../runner/job/usage.ts';
import { temporaryFolder } from './support.ts';

const gigabyte = 1e9;

async function cgroup(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const none = { memoryBytes: 0, cpuMillis: 0 };
const second = (usec: number) => `usage_usec ${usec}\nuser_usec 1\nsystem_usec 2\n`;

test('of a cgroup of the second version, memory without files that can be dropped, and time', async () => {
  const folder = await cgroup({
    'memory.current': `${900 * gigabyte}\n`,
    'memory.stat': `anon 1\ninactive_anon 2\ninactive_file ${100 * gigabyte}\nactive_file 3\n`,
    'cpu.stat': second(1_234_567),
  });
  expect(measureUsage({ cgroup: folder, requested: { memoryBytes: 1024, cpuMillis: 250 } }).read()).toEqual({
    peakMemoryBytes: 800 * gigabyte,
    cpuMs: 1235,
    requestedMemoryBytes: 1024,
    requestedCpuMillis: 250,
  });
});

test('of a cgroup of the first version the same', async () => {
  const folder = await cgroup({
    'memory/memory.usage_in_bytes': `${900 * gigabyte}\n`,
    'memory/memory.stat': `inactive_file 7\ntotal_inactive_file ${100 * gigabyte}\n`,
    'cpuacct/cpuacct.usage': '1234567890\n',
  });
  expect(measureUsage({ cgroup: folder, requested: none }).read()).toEqual({
    peakMemoryBytes: 800 * gigabyte,
    cpuMs: 1235,
    requestedMemoryBytes: null,
    requestedCpuMillis: null,
  });
});

test('the peak is the most that was seen, and at least what the process itself had', async () => {
  const folder = await cgroup({ 'memory.current': `${900 * gigabyte}`, 'memory.stat': '', 'cpu.stat': second(1000) });
  const usage = measureUsage({ cgroup: folder, requested: none });
  await writeFile(join(folder, 'memory.current'), '1');
  expect(usage.read()?.peakMemoryBytes).toBe(900 * gigabyte);
  expect(measureUsage({ cgroup: folder, requested: none }).read()?.peakMemoryBytes).toBe(
    process.resourceUsage().maxRSS * 1024,
  );
});

test('where there is no cgroup, nothing is told', async () => {
  expect(measureUsage({ cgroup: await cgroup({}), requested: none }).read()).toBeNull();
});
