import { keepComment } from '../../controller/forges/comment.ts';
import { ForgeError } from '../../controller/forges/forge.ts';
import { pullRequestOf } from '../../controller/forges/place.ts';
import { CommandError, exitCodes } from '../exit.ts';

export type CommentOptions = {
  /** The address of the pull request, as a browser shows it. */
  readonly comment?: string;
  readonly forgeApi?: string;
  readonly path: string;
  readonly env?: string;
};

/** Leaves the plan as one comment on the pull request, or changes the one that is there. Resolves with a line that says so. */
export async function commentPlan(
  { comment: address = '', forgeApi, path, env }: CommentOptions,
  plan: { readonly markdown: string; readonly isEmpty: boolean },
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const token = environment.PIPEWRIGHT_FORGE_TOKEN;
  if (!token) throw unable('--comment needs a token of the forge in PIPEWRIGHT_FORGE_TOKEN; set it');
  const marker = markerOf(path, env);
  const body = plan.markdown.replace(/^<!-- pipewright plan -->/, marker);
  try {
    const forge = { ...pullRequestOf(address, forgeApi), token, proxyEnv: environment };
    const kept = await keepComment(forge, { marker, body, create: !plan.isEmpty }, new AbortController().signal);
    return kept === 'none' ? `nothing changes, so ${address} gets no comment` : `comment ${kept} at ${address}`;
  } catch (error) {
    if (error instanceof ForgeError) throw unable(error.message);
    throw error;
  }
}

/** Plans of other folders, or for other environments, have comments of their own. */
function markerOf(path: string, env: string | undefined): string {
  const of = [path === '' ? '.' : path, ...(env === undefined ? [] : [env])].map(encodeURIComponent);
  return `<!-- pipewright plan of ${of.join(' for ')} -->`;
}

/** The exit code 2 says of a plan that something changes. */
function unable(message: string): CommandError {
  return new CommandError(exitCodes.failed, 'no-comment', message);
}
