import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Kubernetes } from '../../kubernetes/client.ts';
import { RefusedError } from '../port.ts';
import { configMapKind, jobKind } from './kinds.ts';
import { bundleLabel, labelsOfBundle, selectors, unusedAnnotation } from './labels.ts';
import { bundleName } from './name.ts';
import { bundleFile } from './runner-container.ts';

/** A ConfigMap holds at most 1 MiB; the rest is room for its metadata. */
const largestBytes = 900 * 1024;
/** How long a bundle that was found stays so without another look: far less than it stays unused before it is removed. */
const sureMs = 60_000;

export interface Bundles {
  /** Makes the ConfigMap of a bundle in a namespace unless it is there. */
  ensure(namespace: string, digest: string, read: () => Promise<Buffer>): Promise<void>;
  /** Marks bundles that no Job names, and removes those that were marked `unusedMs` ago and have stayed so. */
  collect(): Promise<void>;
}

/**
 * Bundles as immutable ConfigMaps. One is removed in two rounds far apart, and only at the version that was looked at: a
 * launch between the two takes the mark away, or has made a Job that names it by the second one.
 */
export function createBundles(options: {
  kubernetes: Kubernetes;
  namespaces: readonly string[];
  unusedMs: number;
}): Bundles {
  const { kubernetes, namespaces, unusedMs } = options;
  const sure = new Map<string, { at: number; done: Promise<void> }>();

  async function ensure(namespace: string, digest: string, read: () => Promise<Buffer>): Promise<void> {
    const key = { namespace, name: bundleName(digest) };
    const found = await kubernetes.get(configMapKind, key, { metadataOnly: true });
    if (!found) return create(namespace, digest, await read());
    if (found.metadata.annotations?.[unusedAnnotation] === undefined) return;
    if (!(await kubernetes.patch(configMapKind, key, mark(null)))) await create(namespace, digest, await read());
  }

  async function create(namespace: string, digest: string, bundle: Buffer): Promise<void> {
    const packed = await promisify(gzip)(bundle);
    if (packed.length > largestBytes) {
      throw new RefusedError(
        'BundleTooLarge',
        `bundle ${digest} has ${packed.length} bytes when packed, and a ConfigMap takes ${largestBytes}; split the pipeline`,
      );
    }
    await kubernetes.create({
      apiVersion: configMapKind.apiVersion,
      kind: configMapKind.kind,
      metadata: { name: bundleName(digest), namespace, labels: labelsOfBundle(digest) },
      immutable: true,
      binaryData: { [bundleFile]: packed.toString('base64') },
    });
  }

  async function collect(namespace: string): Promise<void> {
    const where = { namespace, labels: selectors.bundles, metadataOnly: true };
    const bundles = await kubernetes.list(configMapKind, where);
    const used = new Set((await kubernetes.list(jobKind, where)).map(({ metadata }) => metadata.labels?.[bundleLabel]));
    for (const { metadata } of bundles) {
      const { name, uid = '', resourceVersion = '', labels, annotations } = metadata;
      const key = { namespace, name };
      const since = annotations?.[unusedAnnotation];
      if (used.has(labels?.[bundleLabel])) {
        if (since !== undefined) await kubernetes.patch(configMapKind, key, mark(null));
      } else if (since === undefined) {
        await kubernetes.patch(configMapKind, key, mark(new Date().toISOString()));
      } else if (Date.now() - Date.parse(since) > unusedMs) {
        await kubernetes.remove(configMapKind, key, { uid, resourceVersion });
      }
    }
  }

  return {
    ensure(namespace, digest, read) {
      const key = `${namespace}/${digest}`;
      const last = sure.get(key);
      if (last && performance.now() - last.at < sureMs) return last.done;
      const done = ensure(namespace, digest, read);
      done.catch(() => sure.delete(key));
      sure.set(key, { at: performance.now(), done });
      return done;
    },
    async collect() {
      for (const namespace of namespaces) await collect(namespace);
    },
  };
}

function mark(since: string | null): object {
  return { metadata: { annotations: { [unusedAnnotation]: since } } };
}
