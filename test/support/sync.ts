import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSources, type Given } from '../../controller/git/sources.ts';
import { done, type Step } from '../../controller/steps/step.ts';
import { createSync, type SyncOptions } from '../../controller/steps/sync.ts';
import type { PipelineSourceResourceSpec } from '../../schemas/generated/types.ts';

/** A source as a file declares it, without secrets. */
export function givenSource(name: string, spec: PipelineSourceResourceSpec): Given {
  return { declaration: { name, spec, everyMs: 60_000 }, secrets: { read: async () => new Map() } };
}

/** A source as `start --dir` declares it. */
export const givenFolder = (path: string): Given => givenSource('local', { folder: { path } });

/** The sync of one folder. */
export function createFolderSync({ dir, ...options }: Omit<SyncOptions, 'sources'> & { dir: string }): Step {
  return createTestSync({ ...options, given: [givenFolder(dir)] });
}

/**
 * The sync of sources that are not watched: each pass looks at all of them, ends when all have been read, and throws what a failpoint has
 * thrown.
 */
export function createTestSync({
  given,
  home = join(tmpdir(), 'pipewright-no-home'),
  ...options
}: TestSyncOptions): Step {
  let crash: { readonly error: unknown } | null = null;
  const failpoint: SyncOptions['failpoint'] = (name) => {
    try {
      options.failpoint(name);
    } catch (error) {
      crash = { error };
      throw error;
    }
  };
  const sources = createSources({ home, given, onHint: () => {}, signal: AbortSignal.abort() });
  const step = createSync({ ...options, sources, failpoint });
  return {
    ...step,
    async pass(signal) {
      sources.hint();
      await step.pass(signal);
      await step.finish?.();
      const { error } = crash ?? {};
      crash = null;
      if (error !== undefined) throw error;
      return done();
    },
  };
}

type TestSyncOptions = Omit<SyncOptions, 'sources'> & { readonly given: readonly Given[]; readonly home?: string };
