import type { Failpoint } from '../../schemas/failpoints.ts';
import type { Resource } from '../kubernetes/client.ts';
import { backfillKind, runKind } from '../publish/kinds.ts';
import { refusedStatus } from '../publish/run-resource.ts';
import { together } from '../publish/together.ts';
import type { Asking, ClusterView } from '../publish/view.ts';
import { writeStatus } from '../publish/write-status.ts';
import { readAnswers, submitOnce } from '../store/cluster-requests.ts';
import type { Leader } from '../store/leaders.ts';
import { receiveBackfills } from './receive-backfills.ts';
import { atOnce, receivePipelines } from './receive-changes.ts';
import { receiveSources } from './receive-sources.ts';
import { done, type Step } from './step.ts';

type Options = Parameters<typeof receiveSources>[0] & {
  readonly leader: Leader;
  readonly view: ClusterView;
  readonly failpoint?: Failpoint;
};

/**
 * What people did with kubectl → rows: PipelineRuns and Backfills that they made become requests, `spec.suspend` becomes the pipeline's where its
 * manifest is silent, and any other field of our objects is put back. By one replica, although the rows would bear several.
 */
export function createReceive(options: Options): Step {
  const { leader, view } = options;
  return {
    name: 'receive',
    everyMs: 1_000,
    async pass() {
      if (!(await leader.lead())) {
        // Whoever leads has seen it as well; later it would be taken for news.
        view.backfills.dealtWith(view.backfills.deleted());
        return done();
      }
      await receiveAsks(options, view.asking());
      await receivePipelines(options, view.pipelines);
      await receiveSources(options, view.sources);
      await receiveBackfills(options, view.backfills);
      return done();
    },
  };
}

async function receiveAsks(options: Options, asking: readonly Asking[]): Promise<void> {
  const { pool, wake, failpoint = () => {} } = options;
  if (asking.length === 0) return;
  failpoint('receive.before-commit');
  const fresh = await submitOnce(
    pool,
    asking.map(({ ask }) => ask),
  );
  // A crash here leaves a request that `intake` finds by itself; the object still asks, and the same is not asked twice.
  failpoint('receive.after-commit');
  if (fresh > 0) wake('intake');
  const answers = await readAnswers(
    pool,
    asking.map(({ ask }) => ask.origin.uid),
  );
  await together(asking, atOnce, async ({ ask, resource }) => {
    const answer = answers.find(({ uid, kind }) => uid === ask.origin.uid && kind === ask.kind);
    // One that was granted has a run or a backfill, which `publish` shows here. A cancellation that came too late changes nothing.
    if (!answer || !('error' in answer.result) || ask.kind === 'cancel') return;
    await refuse(options, resource, answer.result.error);
  });
}

async function refuse(
  { kubernetes, publisher, failpoint = () => {}, log }: Options,
  resource: Resource,
  message: string,
): Promise<void> {
  const status = refusedStatus(message, new Date(), resource.metadata.generation ?? 1);
  const kind = resource.kind === backfillKind.kind ? backfillKind : runKind;
  await writeStatus(kubernetes, kind, resource.metadata, status);
  // A crash here loses the Event; the status says the same.
  failpoint('receive.after-refusal');
  await publisher.tell(resource, { type: 'Warning', reason: 'Refused', message, key: '' });
  log.info({ kind: resource.kind, name: resource.metadata.name, message }, 'request by kubectl refused');
}
