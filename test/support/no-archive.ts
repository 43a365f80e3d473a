import type { LogArchive } from '../../controller/executors/jobs/archive/port.ts';

/** An archive for executors whose logs nobody reads: it knows no attempt. */
export const noArchive: LogArchive = {
  states: async () => new Map(),
  append: async () => null,
  endSource: async () => false,
  close: async () => {},
  async *read() {},
};
