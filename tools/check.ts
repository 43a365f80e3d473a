/** `npm run check`: what is quick enough to run before every commit. Exits 1 when anything failed. */
import { checks, execute, runChecks } from './checks.ts';

const unitTests = { name: 'unit tests', run: () => execute('vitest', ['run', 'test/unit', 'test/architecture']) };

const { failed } = await runChecks([...checks, unitTests]);
process.exitCode = failed > 0 ? 1 : 0;
