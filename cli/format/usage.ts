import type { PipelineUsage, TaskUsage, Usage } from '../../schemas/generated/types.ts';
import type { Terminal } from '../terminal.ts';
import { bytes, count } from './amounts.ts';
import { table } from './table.ts';

/** What an attempt used of what had been requested: `312.0 MB of 536.9 MB, 0.42 of 1 CPU`. */
export function usageText({ peakMemoryBytes, cpuMs, ...requested }: Usage, durationMs: number): string {
  const { requestedMemoryBytes: memory, requestedCpuMillis: cpu } = requested;
  const average = Math.round((cpuMs / Math.max(1, durationMs)) * 1_000);
  return `${bytes(peakMemoryBytes)}${memory === null ? '' : ` of ${bytes(memory)}`}, ${cores(average)}${cpu === null ? '' : ` of ${cores(cpu)}`} CPU`;
}

export function usageTable({ tasks }: PipelineUsage, terminal: Terminal): string {
  const rows = tasks.map((task) => [
    task.task,
    count(task.attempts),
    bytes(task.peakMemoryBytes),
    task.requestedMemoryBytes === null ? 'none' : bytes(task.requestedMemoryBytes),
    cores(task.cpuMillis),
    task.requestedCpuMillis === null ? 'none' : cores(task.requestedCpuMillis),
    suggestionText(task),
  ]);
  return table(['TASK', 'ATTEMPTS', 'MEMORY', 'REQUESTED', 'CPU', 'REQUESTED', 'SUGGESTED'], rows, terminal);
}

/** As a manifest writes it; empty where the requests fit. */
export function suggestionText({ suggestion }: TaskUsage): string {
  const { memory, cpu } = suggestion;
  return [memory && `memory: ${memory}`, cpu && `cpu: ${cpu}`].filter(Boolean).join(', ');
}

function cores(millis: number): string {
  return String(Number((millis / 1_000).toFixed(2)));
}
