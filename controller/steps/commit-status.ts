import type pg from 'pg';
import type { Problem } from '../../schemas/generated/types.ts';
import { mostDescription } from '../forges/status.ts';
import type { RefusedCommitError } from '../git/run.ts';
import type { Source } from '../git/source.ts';
import { lockSource } from '../store/catalog.ts';
import { queueStatus, readStanding, type Standing } from '../store/commit-statuses.ts';
import type { Change } from './catalog-changes.ts';

export type Applied = {
  readonly commit: string;
  /** How many are good. */
  readonly pipelines: number;
  readonly problems: readonly Problem[];
  readonly changes: readonly Pick<Change, 'kind'>[];
};

/** Leaves word for `announce`, in the transaction that applies the commit. */
export async function queueCommitStatus(db: pg.ClientBase, sourceId: number, applied: Applied): Promise<void> {
  const { commit, problems, ...good } = applied;
  await queue(db, sourceId, commit, { ...good, problems: problems.length, first: problems[0] ?? null });
}

/** The same of a commit that changes no manifest: what stands of the one before, stands of it. */
export async function queueSameStatus(db: pg.ClientBase, sourceId: number, commit: string): Promise<void> {
  await queue(db, sourceId, commit, { ...(await readStanding(db, sourceId)), changes: [] });
}

/** The same of a commit that is not taken at all. */
export async function queueRefusal(
  db: pg.ClientBase,
  source: Pick<Source, 'name' | 'kind' | 'location'>,
  { commit, fact }: Pick<RefusedCommitError, 'commit' | 'fact'>,
): Promise<void> {
  const { id } = await lockSource(db, source);
  await queueStatus(db, id, { commit, state: 'failure', description: cut(fact) });
}

type Outcome = Standing & Pick<Applied, 'changes'>;

async function queue(db: pg.ClientBase, sourceId: number, commit: string, outcome: Outcome): Promise<void> {
  const failure = failureText(outcome);
  const state = failure === null ? 'success' : 'failure';
  await queueStatus(db, sourceId, { commit, state, description: cut(failure ?? successText(outcome)) });
}

/** `12 pipelines, 2 changed, 1 retired` */
function successText({ pipelines, changes }: Outcome): string {
  const count = (kind: Change['kind']) => changes.filter((change) => change.kind === kind).length;
  const [changed, retired] = [count('version'), count('retired')];
  return [
    pipelines === 1 ? '1 pipeline' : `${pipelines} pipelines`,
    ...(changed > 0 ? [`${changed} changed`] : []),
    ...(retired > 0 ? [`${retired} retired`] : []),
    ...(changed + retired === 0 ? ['nothing changed'] : []),
  ].join(', ');
}

/** The first problem with its place; the others are in `pipewright pipelines`. */
function failureText({ problems, first }: Standing): string | null {
  if (first === null) return null;
  return `${problems === 1 ? '' : `${problems} problems: `}${first.file}:${first.line}: ${first.message}`;
}

/** By characters, of which none is left in halves. */
function cut(text: string): string {
  const characters = [...text.replace(/\s+/g, ' ')];
  return characters.length <= mostDescription
    ? characters.join('')
    : `${characters.slice(0, mostDescription - 1).join('')}…`;
}
