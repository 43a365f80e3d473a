import type { Logger } from 'pino';
import type {
  BackfillPublication,
  PipelinePublication,
  RunPublication,
  SourcePublication,
} from '../../schemas/publications.ts';
import type { Kubernetes } from '../kubernetes/client.ts';
import { KubernetesError } from '../kubernetes/errors.ts';
import { type BackfillToPublish, createBackfillPublisher } from './backfills.ts';
import type { SourceObjects } from './declared-source.ts';
import { createTell } from './events.ts';
import { createObjectPublisher } from './objects.ts';
import { createPipelineForm, type PipelineBlocks } from './pipeline-resource.ts';
import { createRunPublisher, type RunToPublish } from './runs.ts';
import { createSourceForm } from './source-resource.ts';
import { together } from './together.ts';

const atOnce = 8;

/**
 * Brings rows to custom resources in one namespace. It remembers what it wrote, so that nothing is written twice; what it
 * remembers must be dropped with `reset` when another replica has written meanwhile.
 */
export function createPublisher(options: {
  kubernetes: Kubernetes;
  /** Where the objects live. */
  namespace: string;
  /** How many runs and backfills of a pipeline are shown; settled ones that are older are removed. */
  history: number;
  /** The graph of a bundle, by its digest. */
  blocks: (bundle: string) => Promise<PipelineBlocks>;
  sources: SourceObjects;
  log: Logger;
  now?: () => Date;
}) {
  const { kubernetes, namespace, history, log, blocks, now = () => new Date() } = options;
  const tell = createTell({ kubernetes, now });
  const runs = createRunPublisher({ kubernetes, namespace, history, tell });
  const backfills = createBackfillPublisher({ kubernetes, namespace, history, tell });
  const parts = { kubernetes, namespace, tell, now };
  const pipelines = createObjectPublisher({ ...parts, form: createPipelineForm(namespace, blocks) });
  const sources = createObjectPublisher({ ...parts, form: createSourceForm(namespace, options.sources) });

  /** An object that the API server will never take must not keep the others waiting: it is logged, and shown no more. */
  async function unlessRefused(name: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof KubernetesError) || ![400, 413, 422].includes(error.status)) throw error;
      log.error({ err: error, name }, 'the API server refused an object; it is not shown until it changes');
    }
  }

  return {
    /** Throws the first failure after all have been tried; what was refused for good is only logged. */
    publishRuns: (items: readonly RunToPublish[]) =>
      together(items, atOnce, (item) => unlessRefused(item.run.name, runs.publishRun(item))),
    publishPipelines: (items: readonly PipelinePublication[]) =>
      together(items, atOnce, (item) =>
        unlessRefused(item.name, item.retired ? pipelines.remove(item.name) : pipelines.publish(item)),
      ),
    publishSources: (items: readonly SourcePublication[]) =>
      together(items, atOnce, (item) => unlessRefused(item.name, sources.publish(item))),
    /** Removes an object of ours whose source nobody declares any more. */
    removeSource: (name: string) => sources.remove(name),
    /** Removes the objects of runs that are out of the history. */
    removeRuns: (items: readonly Pick<RunPublication, 'name' | 'origin'>[]) =>
      together(items, atOnce, (item) => runs.removeRun(item)),
    isNewRun: runs.isNew,
    publishBackfills: (items: readonly BackfillToPublish[]) =>
      together(items, atOnce, (item) => unlessRefused(item.backfill.name, backfills.publishBackfill(item))),
    /** Removes the objects of backfills that are out of the history. */
    removeBackfills: (items: readonly Pick<BackfillPublication, 'name' | 'origin'>[]) =>
      together(items, atOnce, (item) => backfills.removeBackfill(item)),
    isNewBackfill: backfills.isNew,
    /** As `forget`, by the id of the backfill. */
    forgetBackfill: backfills.forget,
    /** Somebody changed or deleted the object: it is to be written whole, whatever it showed last. */
    forget: (kind: 'pipeline' | 'source', name: string) =>
      ({ pipeline: pipelines, source: sources })[kind].forget(name),
    reset(): void {
      for (const each of [runs, backfills, pipelines, sources]) each.reset();
    },
    tell,
  };
}

export type Publisher = ReturnType<typeof createPublisher>;
