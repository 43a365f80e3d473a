import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ChangeType, Kind, Resource, WatchListener, Where } from './client.ts';
import { KubernetesError } from './errors.ts';
import { listPages, selectorsOf } from './list.ts';
import { pathOf } from './paths.ts';
import type { Transport } from './transport.ts';

const relistMs = 600_000;
/** The server sends a bookmark about every minute; a connection that is silent for longer is dead. */
const silenceMs = 100_000;
const firstWaitMs = 250;
const longestWaitMs = 30_000;

type WatchOptions = {
  readonly transport: Transport;
  readonly kind: Kind;
  readonly where: Where;
  readonly on: WatchListener;
  readonly signal: AbortSignal;
  readonly log: Logger;
};

type WatchEvent =
  | { readonly type: ChangeType | 'BOOKMARK'; readonly object: Resource }
  | { readonly type: 'ERROR'; readonly object: { code?: number; message?: string; reason?: string } };

/** See Kubernetes.watch. The informer of the client library is not used: it stops for good after a broken connection. */
export async function watchResources(options: WatchOptions): Promise<void> {
  const { transport, kind, where, on, signal, log } = options;
  let failures = 0;
  let from: string | null = null;
  let listedAt = 0;
  while (!signal.aborted) {
    try {
      if (from === null || performance.now() - listedAt > relistMs) {
        const all = await listPages(transport, kind, where, { signal, slim: on.slim });
        from = all.resourceVersion;
        listedAt = performance.now();
        on.list(all.items);
      }
      for await (const { type, object } of follow(options, from, relistMs - (performance.now() - listedAt))) {
        failures = 0;
        if (type !== 'BOOKMARK') on.change(type, object);
        // Only after the listener has it: when that throws, the change comes again.
        from = object.metadata.resourceVersion ?? from;
      }
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      // 410: the server no longer has what came after `from`. Any other refusal may mean the same.
      if (error instanceof KubernetesError) from = null;
      const waitMs = Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs) * (0.75 + Math.random() / 2);
      log.warn({ err: error, kind: kind.kind, waitMs: Math.round(waitMs) }, 'watch broke off and begins again');
      await delay(waitMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** Changes after `from` until the server ends the watch, which it does after `forMs` at the latest. */
async function* follow(
  { transport, kind, where, signal }: WatchOptions,
  from: string,
  forMs: number,
): AsyncGenerator<Exclude<WatchEvent, { type: 'ERROR' }>> {
  const body = await transport.open({
    verb: 'watch',
    resource: kind.plural,
    method: 'GET',
    path: pathOf(kind, { namespace: where.namespace }),
    query: {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: String(Math.max(1, Math.ceil(forMs / 1_000))),
      ...selectorsOf(where),
    },
    signal,
  });
  body.setTimeout(silenceMs, () =>
    body.destroy(new Error(`nothing came from the API server for ${silenceMs / 1_000} s`)),
  );
  // The reader of lines ends in silence when the connection breaks: the error is taken from the body itself.
  let broken: Error | null = null;
  body.on('error', (error) => {
    broken = error;
  });
  try {
    for await (const line of createInterface({ input: body })) {
      const event = JSON.parse(line) as WatchEvent;
      if (event.type === 'ERROR') {
        const { code = 0, reason = '', message = 'the watch ended with an error' } = event.object;
        throw new KubernetesError(message, { status: code, reason });
      }
      yield event;
    }
    if (broken) throw broken;
  } finally {
    body.destroy();
  }
}
