import type { ProblemCode } from '../../schemas/problem-codes.ts';
import { didYouMean } from '../expressions/suggest.ts';
import type { Diagnostics, Target } from './diagnostics.ts';
import type { FileTexts } from './files.ts';
import type { Path } from './locate.ts';
import { fieldSubject, type Kind, type Manifest, type Place } from './manifest.ts';
import type { TaskPlace } from './place.ts';
import { createPoolOrder } from './pool-order.ts';
import type { Reading } from './read.ts';

/**
 * What every check can look at: the source, the other manifests, and where problems go. A check looks at nothing else, so that its
 * outcome holds as long as the answers do (`memory.ts`).
 */
export type Context = {
  readonly files: FileTexts;
  readonly diagnostics: Diagnostics;
  /** Where tasks run; undefined where only the manifests themselves are judged. */
  readonly place: TaskPlace | undefined;
  /** The manifest of that name; `broken` when it has problems of its own, which are reported where they are. */
  find<K extends Kind>(kind: K, name: string): Extract<Manifest, { kind: K }> | 'broken' | undefined;
  /** Whether runs that hold a slot of pool `from` can wait for one of `to`. */
  poolLeadsTo(from: string, to: string): boolean;
  /** What `compute` returned for this key first: for answers that many ask for, that cost something, and that follow from the key. */
  once<Answer>(key: string, compute: () => Answer): Answer;
  /** The end of a sentence about a manifest that is not there. */
  hint(kind: Kind, name: string): string;
};

type Options = { files: FileTexts; diagnostics: Diagnostics; reading: Reading; place: TaskPlace | undefined };

export function createContext({ files, diagnostics, reading, place }: Options): Context {
  const index = new Map<string, Manifest | Place>();
  for (const place of [...reading.lost, ...reading.manifests]) index.set(`${place.kind} ${place.name}`, place);
  // Comparing each of many wrong names with each of many right ones would take minutes.
  const compared = Map.groupBy([...index.values()].slice(0, 1000), ({ kind }) => kind);
  const answers = new Map<string, unknown>();
  const poolOrder = createPoolOrder(reading.manifests);
  return {
    files,
    diagnostics,
    place,
    find<K extends Kind>(kind: K, name: string) {
      const found = index.get(`${kind} ${name}`);
      if (!found) return undefined;
      return 'value' in found && !diagnostics.isBroken(found) ? (found as Extract<Manifest, { kind: K }>) : 'broken';
    },
    poolLeadsTo: poolOrder.leadsTo,
    once<Answer>(key: string, compute: () => Answer): Answer {
      if (!answers.has(key)) answers.set(key, compute());
      return answers.get(key) as Answer;
    },
    hint(kind, name) {
      const [unreadable] = reading.unreadable;
      const otherwise =
        unreadable === undefined
          ? `add a ${kind} manifest of that name`
          : `it may be in ${unreadable}, which cannot be read`;
      const names = (compared.get(kind) ?? []).map((place) => place.name);
      return didYouMean(name, names) || `; ${otherwise}`;
    },
  };
}

/** Reports a problem of a manifest’s field. `message` goes on after the names of manifest and field. */
export type Report = (path: Path, code: ProblemCode, message: string, target?: Omit<Target, 'path'>) => void;

export function createReport({ diagnostics }: Context, manifest: Manifest): Report {
  return (path, code, message, target) => {
    const text = `${fieldSubject(manifest, manifest.value, path)} ${message}`;
    diagnostics.at(manifest, { path, ...target }, code, text);
  };
}
