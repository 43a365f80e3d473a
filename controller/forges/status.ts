import { call } from './call.ts';
import { type Forge, ForgeError, repositoryPath } from './forge.ts';

export type CommitStatus = {
  /** In all its digits. */
  readonly commit: string;
  readonly state: 'success' | 'failure';
  /** What tells it from the statuses of others. */
  readonly context: string;
  readonly description: string;
};

/** GitHub refuses a longer one. */
export const mostDescription = 140;

/** Shows on the forge how it stands with a commit; again is as once. Throws a ForgeError. */
export async function setStatus(forge: Forge, status: CommitStatus, signal: AbortSignal): Promise<void> {
  const { commit, state, context, description } = status;
  const path = `${repositoryPath(forge)}/statuses/${commit}`;
  if (forge.provider === 'gitlab') {
    const body = { state: state === 'failure' ? 'failed' : state, name: context, description };
    await call(forge, { method: 'POST', path, body, signal }).catch(unlessKnown);
    return;
  }
  const body = { state, context, description };
  await call(forge, { method: 'POST', path, body, signal });
}

/** GitLab refuses to be told twice what it knows. */
function unlessKnown(error: unknown): void {
  if (error instanceof ForgeError && error.status === 400 && /cannot transition status/i.test(error.message)) return;
  throw error;
}
