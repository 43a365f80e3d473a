import { mkdirSync } from 'node:fs';
import { createFailpoint } from '../schemas/failpoints.ts';
import { carryOut, log } from './carry-out.ts';
import { sendReport } from './job/send-report.ts';
import { readBundle, readSettings } from './job/settings.ts';
import { leaveSmallReport } from './job/small-report.ts';
import { measureUsage } from './job/usage.ts';

/**
 * What a Job's pod runs: one attempt, told by the environment (see `readSettings`). Exits with 0 when it has reported, whatever the
 * outcome: the report tells more than an exit code, and a failed pod would only make Kubernetes say the same again.
 */
const failpoint = createFailpoint(process.env);
failpoint('runner.before-started');
const { order, scratch, terminationLog, reportTo, cgroup, requested, environment } = readSettings(process.env);
const meter = requested && measureUsage({ cgroup, requested });
mkdirSync(scratch, { recursive: true });
failpoint('runner.after-started');

const ended = carryOut({
  order,
  readBundle() {
    // On a volume that all pods of the run share: the first one makes its folder.
    if (order.artifacts !== '') mkdirSync(order.artifacts, { recursive: true });
    return readBundle(order);
  },
  environment,
  scratch,
  isFirst: true,
  failpoint,
  async deliver(found) {
    const usage = meter?.read();
    const report = usage ? { ...found, usage } : found;
    // The small form first: it needs nobody, and a kill while the controller is waited for then loses only the sample.
    const isLeft = leaveSmallReport(report, terminationLog, log);
    const isSent = await sendReport(report, reportTo, log);
    if (!isLeft && !isSent) throw new Error('neither the controller nor the pod has taken it');
  },
});
log(`task ${order.task}, attempt ${order.attempt}`);
await ended;
// Sockets and threads may still be there; what had to be kept is kept.
process.exit();
