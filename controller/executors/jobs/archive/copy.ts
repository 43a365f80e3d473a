import type { Kubernetes } from '../../../kubernetes/client.ts';
import { createMarker, type Line, linesOf, sinceOf, written } from './lines.ts';
import type { LogArchive, LogState } from './port.ts';
import type { Source } from './sources.ts';

const pieceBytes = 256 * 1024;

/**
 * Keeps what a source has written since `state`, and while it runs what it writes, until its log ends. A crash at any place leaves
 * whole lines and the mark of the last one: the next copy goes on after it.
 */
export async function copySource(
  attemptId: string,
  source: Source,
  state: LogState,
  options: { kubernetes: Kubernetes; archive: LogArchive; everyMs: number; signal: AbortSignal },
): Promise<void> {
  const { kubernetes, archive, everyMs } = options;
  const from = state.source === source.name ? state.mark : null;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const hasEnded = source.state === 'ended';
  const chunks = kubernetes.podLog(
    { namespace: source.namespace, name: source.pod },
    { container: source.container, follow: !hasEnded, timestamps: true, ...sinceOf(from), signal },
  );
  const keeper = createKeeper(attemptId, source, state, archive);
  const timer = setInterval(() => keeper.flush().catch((error) => stop.abort(error)), everyMs);
  try {
    const marker = createMarker(from);
    for await (const lines of linesOf(chunks, { toEnd: hasEnded })) await keeper.add(lines, marker);
    await keeper.flush();
    if (hasEnded) await keeper.end();
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearInterval(timer);
  }
}

/** Gathers lines, and adds them to the archive piece by piece, one after the other. */
function createKeeper(attemptId: string, { name: source }: Source, state: LogState, archive: LogArchive) {
  let at = state.size;
  let text = '';
  let mark: ReturnType<typeof createMarker>['mark'] = null;
  let flushing: Promise<void> = Promise.resolve();

  async function keep(): Promise<void> {
    if (mark === null || text === '') return;
    const piece = { at, source, text, mark };
    text = '';
    const size = await archive.append(attemptId, piece);
    if (size === null) throw overtaken(attemptId);
    at = size;
  }

  function flush(): Promise<void> {
    flushing = flushing.then(keep);
    return flushing;
  }

  return {
    flush,
    async add(lines: readonly Line[], marker: ReturnType<typeof createMarker>): Promise<void> {
      for (const line of lines) if (marker.take(line)) text += written(line);
      mark = marker.mark;
      // Whoever writes faster than this keeps up waits at the other end of the connection.
      if (text.length >= pieceBytes) await flush();
    },
    async end(): Promise<void> {
      if (!(await archive.endSource(attemptId, { at, source }))) throw overtaken(attemptId);
    },
  };
}

function overtaken(attemptId: string): Error {
  return new Error(
    `the log of attempt ${attemptId} is kept by another replica too; it goes on, and this one looks again`,
  );
}
