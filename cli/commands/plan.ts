import { GitError } from '../../controller/git/run.ts';
import { comparePlans } from '../../controller/plan/compare.ts';
import type { Plan } from '../../controller/plan/plan.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import type { ClusterOptions } from '../forward.ts';
import { type CommentOptions, commentPlan } from '../plan/comment.ts';
import type { planFormats } from '../plan/formats.ts';
import { planMarkdown } from '../plan/markdown.ts';
import { planSarif } from '../plan/sarif.ts';
import { readSides, type SideOptions } from '../plan/sides.ts';
import { planText } from '../plan/text.ts';
import type { Terminal } from '../terminal.ts';

/** As `terraform plan` has them. */
const planExit = { same: 0, problems: 1, changes: 2 } as const;

type Options = SideOptions &
  CommentOptions &
  ClusterOptions & {
    /** A controller to ask for what only it knows. */
    readonly server?: string;
    readonly output: (typeof planFormats)[number];
  };

/** What merging the head into the base would change. Needs neither controller nor database, but where one is to be asked. */
export async function plan(options: Options, terminal: Terminal): Promise<ExitCode> {
  const sides = await readSides(options).catch((error) => {
    if (error instanceof GitError) throw new CommandError(planExit.problems, 'no-commit', error.message);
    throw error;
  });
  const compared = comparePlans({ ...sides, now: terminal.now(), environment: options.env });
  const found = await withServer(compared, options);
  if (options.output === 'json') terminal.json({ base: sides.commits.base, head: sides.commits.head, ...found });
  else if (options.output === 'sarif') terminal.json(planSarif(found, sides.path));
  else if (options.output === 'markdown') terminal.out(planMarkdown(found).trimEnd());
  else terminal.out(planText(found, terminal.colors));
  const code = exitOf(found);
  if (options.comment !== undefined) {
    const comment = { markdown: planMarkdown(found), isEmpty: code === exitCodes.ok };
    terminal.error(await commentPlan({ ...options, path: sides.path }, comment, process.env));
  }
  return code;
}

/** A plan that was to know what runs, and does not, says so instead of passing for a whole one. */
async function withServer(plan: Plan, options: Options): Promise<Plan> {
  const { server, context, namespace } = options;
  if (server === undefined && context === undefined && namespace === undefined) return plan;
  const [{ connect }, { askFacts }] = await Promise.all([import('./connect.ts'), import('../plan/facts.ts')]);
  try {
    return await askFacts(plan, await connect({ ...options, output: 'json' }));
  } catch (error) {
    const { code = 'no-facts', message } = error as { code?: string; message: string };
    throw new CommandError(planExit.problems, code, message);
  }
}

function exitOf({ problems, ...plan }: Plan): ExitCode {
  if (problems.length > 0) return planExit.problems;
  const changes = [plan.pipelines, plan.pools, plan.backfills, plan.endedBackfills, plan.environments];
  return changes.some(({ length }) => length > 0) ? planExit.changes : exitCodes.ok;
}
