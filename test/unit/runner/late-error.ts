/** `node late-error.ts ORDER BUNDLE IS_FIRST`: carries out an attempt, while an error that nobody catches comes from elsewhere. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { carryOut } from '../../../runner/carry-out.ts';
import type { TaskOrder } from '../../../schemas/generated/types.ts';

const [orderPath = '', bundlePath = '', isFirst] = process.argv.slice(2);
const order: TaskOrder = JSON.parse(readFileSync(orderPath, 'utf8'));
const folder = join(orderPath, '..');
const over = carryOut({
  order,
  readBundle() {
    setTimeout(() => {
      throw new Error('somebody left this behind');
    });
    return JSON.parse(readFileSync(bundlePath, 'utf8'));
  },
  environment: {},
  scratch: join(folder, 'scratch'),
  isFirst: isFirst === 'true',
  failpoint: () => {},
  deliver: (report) => writeFileSync(join(folder, 'report.json'), JSON.stringify(report)),
});
await over;
