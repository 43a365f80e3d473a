import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Bundle, TaskOrder, TaskReport } from '../schemas/generated/types.ts';
import { identifyProcess } from '../schemas/processes.ts';

/** The folder by which an executor and the runner of one attempt speak; see docs/architecture.md, "The executor port". */
export interface Attempt {
  readonly scratch: string;
  /** Makes its log the standard output and error of this process, which were another attempt's. */
  takeLog(): void;
  /** Marks the attempt as begun by this process. False when somebody has begun it, or barred it, already. */
  begin(): boolean;
  readOrder(): TaskOrder;
  readBundle(order: TaskOrder): Bundle;
  /** Shows that this process is alive; `count` differs from the one before. */
  beat(count: number): void;
  /** Leaves the report, whole or not at all. */
  report(report: TaskReport): void;
}

const standardOutputs = [1, 2];

export function openAttempt(folder: string): Attempt {
  const file = (name: string) => join(folder, name);
  return {
    scratch: file('scratch'),
    takeLog() {
      // A new descriptor gets the lowest free number. So whatever writes to these two, the engine and Node's own last words
      // included, writes to this log from now on.
      for (const number of standardOutputs) {
        closeSync(number);
        const opened = openSync(file('log'), 'a', 0o600);
        if (opened !== number) throw new Error(`the log of ${folder} became descriptor ${opened} and not ${number}`);
      }
    },
    begin() {
      const draft = file(`started.${process.pid}.new`);
      writeFileSync(draft, JSON.stringify(identifyProcess(process.pid)), { mode: 0o600 });
      try {
        // Exclusive, and whole from its first moment.
        linkSync(draft, file('started'));
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      } finally {
        rmSync(draft);
      }
    },
    readOrder: () => JSON.parse(readFileSync(file('order.json'), 'utf8')) as TaskOrder,
    readBundle: (order) => JSON.parse(readFileSync(order.bundle.path, 'utf8')) as Bundle,
    beat: (count) => writeFileSync(file('beat'), String(count), { mode: 0o600 }),
    report(report) {
      const draft = file('report.json.new');
      const descriptor = openSync(draft, 'w', 0o600);
      writeSync(descriptor, JSON.stringify(report));
      fsyncSync(descriptor);
      closeSync(descriptor);
      renameSync(draft, file('report.json'));
    },
  };
}
