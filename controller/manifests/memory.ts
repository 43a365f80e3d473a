import type { Context } from './context.ts';
import type { Found } from './diagnostics.ts';
import { type Files, isManifestFile } from './files.ts';
import type { Kind, Manifest } from './manifest.ts';
import type { TaskPlace } from './place.ts';
import { type FileReading, readFile } from './read.ts';

/** What a check asked its context. No function: one would keep the context of its time, and so all that was compiled then. */
type Question =
  | { readonly of: 'text' | 'file'; readonly path: string }
  | { readonly of: 'manifest'; readonly kind: Kind; readonly name: string }
  | { readonly of: 'pools'; readonly from: string; readonly to: string };

type Asked = { readonly question: Question; readonly answer: unknown };

type Outcome = {
  readonly value: unknown;
  readonly found: readonly Found[];
  readonly place: TaskPlace | undefined;
  /** Whether the manifest had problems before this check. */
  readonly wasBroken: boolean;
  readonly asked: readonly Asked[];
};

/** Work of seconds that gives others their turn again and again: whoever runs it decides when. */
export type Slices<Result> = Generator<undefined, Result>;

/** What is known of a source from the last time that it was compiled: as much as that source holds, and no more. */
export type Memory = {
  /** Every file of manifests as `readFile` reads it. A file with the same text gives the very same manifests as last time. */
  read(files: Files): Slices<FileReading[]>;
  /** What `make` gives for two manifests: for the very same ones the very same. */
  join<M extends Manifest>(base: M, over: Manifest, make: () => M): M;
  /** What `check` answers and reports. It is called only where something that it asked last time has another answer now. */
  recall<M extends Manifest, Value>(
    context: Context,
    manifest: M,
    check: (context: Context, manifest: M) => Value,
  ): Value;
};

export function createMemory(): Memory {
  let known = new Map<string, { readonly text: string; readonly reading: FileReading }>();
  // A manifest that its file does not hold any more takes along what was found out about it.
  const outcomes = new WeakMap<Manifest, Outcome>();
  const joined = new WeakMap<Manifest, { readonly base: Manifest; readonly made: Manifest }>();
  return {
    *read(files) {
      const readings = new Map<string, { text: string; reading: FileReading }>();
      for (const [file, text] of files) {
        if (!isManifestFile(file)) continue;
        const before = known.get(file);
        readings.set(file, before?.text === text ? before : { text, reading: readFile(file, text) });
        yield;
      }
      known = readings;
      return [...readings.values()].map(({ reading }) => reading);
    },
    join<M extends Manifest>(base: M, over: Manifest, make: () => M): M {
      const before = joined.get(over);
      if (before?.base === base) return before.made as M;
      const made = make();
      joined.set(over, { base, made });
      return made;
    },
    recall<M extends Manifest, Value>(context: Context, manifest: M, check: (context: Context, manifest: M) => Value) {
      const last = outcomes.get(manifest);
      if (last && holds(last, context, manifest)) {
        context.diagnostics.add(last.found);
        return last.value as Value;
      }
      const { diagnostics, place } = context;
      const wasBroken = diagnostics.isBroken(manifest);
      const before = diagnostics.found.length;
      const listener = listen(context);
      const value = check(listener.context, manifest);
      const found = diagnostics.found.slice(before);
      const asked = listener.asked();
      if (asked) outcomes.set(manifest, { value, found, place, wasBroken, asked });
      else outcomes.delete(manifest);
      return value;
    },
  };
}

function holds({ place, wasBroken, asked }: Outcome, context: Context, manifest: Manifest): boolean {
  if (place !== context.place || wasBroken !== context.diagnostics.isBroken(manifest)) return false;
  return asked.every(({ question, answer }) => ask(context, question) === answer);
}

function ask(context: Context, question: Question): unknown {
  switch (question.of) {
    case 'text':
      return context.files.get(question.path);
    case 'file':
      return context.files.has(question.path);
    case 'manifest':
      return context.find(question.kind, question.name);
    case 'pools':
      return context.poolLeadsTo(question.from, question.to);
  }
}

/** A context that writes down what it is asked. Undefined: it was asked for something that is not worth being asked again. */
function listen(context: Context): { context: Context; asked(): Asked[] | undefined } {
  const all = new Map<string, Asked>();
  let tooMuch = false;
  function note<Answer>(question: Question): Answer {
    const key = Object.values(question).join(' ');
    const asked = all.get(key) ?? { question, answer: ask(context, question) };
    all.set(key, asked);
    return asked.answer as Answer;
  }
  const { diagnostics, place, once, files } = context;
  return {
    context: {
      diagnostics,
      place,
      once,
      files: {
        get: (path) => note({ of: 'text', path }),
        has: (path) => note({ of: 'file', path }),
        keys() {
          tooMuch = true;
          return files.keys();
        },
      },
      find: (kind, name) => note({ of: 'manifest', kind, name }),
      poolLeadsTo: (from, to) => note({ of: 'pools', from, to }),
      hint(kind, name) {
        tooMuch = true;
        return context.hint(kind, name);
      },
    },
    asked: () => (tooMuch ? undefined : [...all.values()]),
  };
}
