import type { PipelineUsage, TaskUsage, Usage } from '../../schemas/generated/types.ts';

type Measured = { readonly task: string; readonly usage: Usage; readonly durationMs: number };

/** Above what was seen: the next run may need a little more. */
const memoryMargin = 1.25;
const cpuMargin = 1.2;
const mebibyte = 1024 * 1024;

/** What the tasks of a pipeline used in these attempts, newest first, and requests that would fit them. Pure. */
export function pipelineUsage(pipeline: string, attempts: readonly Measured[]): PipelineUsage {
  const byTask = Map.groupBy(attempts, ({ task }) => task);
  return { pipeline, tasks: [...byTask].map(([task, all]) => taskUsage(task, all)) };
}

function taskUsage(task: string, attempts: readonly Measured[]): TaskUsage {
  const peakMemoryBytes = Math.max(...attempts.map(({ usage }) => usage.peakMemoryBytes));
  const cpuMillis = Math.max(...attempts.map(averageCpu));
  const { requestedMemoryBytes = null, requestedCpuMillis = null } = attempts[0]?.usage ?? {};
  const memory = better(roundMemory(peakMemoryBytes * memoryMargin), requestedMemoryBytes);
  const cpu = better(roundCpu(cpuMillis * cpuMargin), requestedCpuMillis);
  return {
    ...{ task, attempts: attempts.length, peakMemoryBytes, requestedMemoryBytes, cpuMillis, requestedCpuMillis },
    suggestion: {
      ...(memory === null ? {} : { memory: `${memory / mebibyte}Mi` }),
      ...(cpu === null ? {} : { cpu: `${cpu}m` }),
    },
  };
}

function averageCpu({ usage, durationMs }: Measured): number {
  return Math.round((usage.cpuMs / Math.max(1, durationMs)) * 1_000);
}

/** Null where the request is enough, and not more than twice what is needed. */
function better(needed: number, requested: number | null): number | null {
  return requested !== null && requested >= needed && requested <= 2 * needed ? null : needed;
}

function roundMemory(bytes: number): number {
  const step = (bytes > 1024 * mebibyte ? 256 : 64) * mebibyte;
  return Math.ceil(bytes / step) * step;
}

function roundCpu(millis: number): number {
  const step = millis > 1_000 ? 100 : 50;
  return Math.max(step, Math.ceil(millis / step) * step);
}
