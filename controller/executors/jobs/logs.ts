import { setTimeout as delay } from 'node:timers/promises';
import type { Kubernetes } from '../../kubernetes/client.ts';
import { createMarker, type Line, type LineMark, linesOf, sinceOf } from './archive/lines.ts';
import type { LogArchive, LogState } from './archive/port.ts';
import { type Source, sourcesOf } from './archive/sources.ts';
import { judge, type Sight } from './judge.ts';
import type { Look } from './live.ts';

const lookMs = 1_000;
const hangMs = 10_000;

export type LogOptions = {
  readonly kubernetes: Kubernetes;
  readonly archive: LogArchive;
  readonly look: Look;
  /** How long an attempt that has no Job yet is waited for, in ms. */
  readonly patienceMs: number;
};

type How = { readonly follow: boolean; readonly signal: AbortSignal };

/**
 * The log of an attempt: what is kept of it, and then what its pods have written since. Nothing is said twice, whether a
 * connection breaks or a pod goes while it is read: its last line is known, and what is kept goes on after it.
 */
export async function* logs(attemptId: string, how: How, options: LogOptions): AsyncGenerator<string> {
  const { follow, signal } = how;
  const said: Said = { marks: new Map(), ended: new Set(), size: 0 };
  const deadline = performance.now() + options.patienceMs;
  while (!signal.aborted) {
    const state = (await options.archive.states([attemptId])).get(attemptId) ?? null;
    yield* kept(attemptId, state, said, options.archive);
    if (state?.closed) {
      if (state.incomplete) yield remark('what it wrote last could not be read from its node');
      return;
    }
    const live: Live = { sight: null, failure: null };
    yield* written(attemptId, how, said, live, options);
    if (signal.aborted) return;
    const isOver = isAllSaid(live.sight, state, performance.now() > deadline);
    if (live.failure && (!follow || isOver)) yield remark(`what it wrote since cannot be read now: ${live.failure}`);
    if (!follow || isOver) return;
    await delay(lookMs, undefined, { signal }).catch(() => {});
  }
}

/** What the reader has been told. */
type Said = {
  /** The last line of each source. */
  readonly marks: Map<string, LineMark | null>;
  readonly ended: Set<string>;
  /** How long the kept log was when it was read. */
  size: number;
};

type Live = { sight: Sight | null; failure: string | null };

async function* kept(
  attemptId: string,
  state: LogState | null,
  said: Said,
  archive: LogArchive,
): AsyncGenerator<string> {
  if (!state || state.size === said.size) return;
  const isFirst = said.marks.size === 0;
  const markers = new Map<string, ReturnType<typeof createMarker>>();
  for await (const piece of archive.read(attemptId)) {
    if ('droppedBytes' in piece) {
      if (isFirst) yield remark(`${piece.droppedBytes} bytes were not kept`);
      continue;
    }
    const { source, text } = piece;
    const marker = markers.get(source) ?? createMarker(said.marks.get(source) ?? null);
    markers.set(source, marker);
    for await (const lines of linesOf(once(text), { toEnd: true })) yield unsaid(lines, marker);
    said.marks.set(source, marker.mark);
  }
  for (const source of state.endedSources) said.ended.add(source);
  said.size = state.size;
}

/** What pods have written since; `live` tells what was seen of them. */
async function* written(
  attemptId: string,
  { follow, signal }: How,
  said: Said,
  live: Live,
  { kubernetes, look }: LogOptions,
): AsyncGenerator<string> {
  try {
    live.sight = await look(attemptId);
    for (const source of sourcesOf(live.sight.pods)) {
      if (source.state === 'waiting' || said.ended.has(source.name)) continue;
      const isOn = async () => sourcesOf((await look(attemptId)).pods).some((one) => isSame(one, source));
      yield* fromPod(source, { follow: follow && source.state === 'running', signal }, said, { kubernetes, isOn });
      if (source.state === 'ended') said.ended.add(source.name);
    }
  } catch (error) {
    // The pod was removed meanwhile, or the connection broke; the next look tells which.
    live.failure = error instanceof Error ? error.message : String(error);
  }
}

async function* fromPod(
  { namespace, pod, container, name }: Source,
  { follow, signal }: How,
  said: Said,
  { kubernetes, isOn }: { kubernetes: Kubernetes; isOn: () => Promise<boolean> },
): AsyncGenerator<string> {
  const from = said.marks.get(name) ?? null;
  const marker = createMarker(from);
  const over = new AbortController();
  // Where a node is cut off, nobody says that the log of its container has ended.
  const endWhenOver = () =>
    void isOn().then(
      (is) => is || over.abort(),
      () => {},
    );
  const timer = follow ? setInterval(endWhenOver, hangMs) : undefined;
  const how = { container, follow, timestamps: true, signal: AbortSignal.any([signal, over.signal]) };
  const chunks = kubernetes.podLog({ namespace, name: pod }, { ...how, ...sinceOf(from) });
  try {
    for await (const lines of linesOf(chunks, { toEnd: !follow })) {
      const text = unsaid(lines, marker);
      said.marks.set(name, marker.mark);
      yield text;
    }
  } finally {
    clearInterval(timer);
  }
}

function isSame(one: Source, { name, state }: Source): boolean {
  return one.name === name && one.state === state;
}

function unsaid(lines: readonly Line[], marker: ReturnType<typeof createMarker>): string {
  return lines
    .filter((line) => marker.take(line))
    .map(({ text }) => `${text}\n`)
    .join('');
}

/** Whether no more can come. `isLate`: an attempt without a Job was waited for long enough. */
function isAllSaid(sight: Sight | null, state: LogState | null, isLate: boolean): boolean {
  if (!sight) return false;
  const { job, pods } = sight;
  if (!job) return state?.settled === true || isLate;
  const never = Number.POSITIVE_INFINITY;
  return judge({ job, pods }, { now: Date.now(), pendingMs: never, lostNodeMs: never, refusal: null }).state === 'gone';
}

function remark(text: string): string {
  return `(${text})\n`;
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}
