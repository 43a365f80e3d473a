import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { SourceDeclaration } from '../../schemas/source-declarations.ts';
import { watchFolder } from './folder.ts';
import { watchHead } from './head.ts';
import type { Secrets } from './secrets.ts';
import { createSource, type Source } from './source.ts';
import { sweepMirrors } from './sweep.ts';

/** The sources there are now: a set that may change while the controller runs. */
export type Sources = {
  /** In the order of their declaration. One whose declaration stays is the same object. */
  current(): readonly Source[];
  /** Whether these are all, so that one that is not among them is gone. */
  complete(): boolean;
  /** Those of the cluster, all at once; names that flags or files have given are passed over. */
  declare(declarations: readonly SourceDeclaration[]): void;
  /** Something tells that a source may have changed; without a name, that any may have. */
  hint(name?: string): void;
  /** Whether there was a hint for it since the last call. */
  takeHint(name: string): boolean;
};

/** `secrets`: where those that it names lie, if elsewhere than those of other declarations. */
export type Given = { readonly declaration: SourceDeclaration; readonly secrets?: Secrets | undefined };

type Options = {
  /** Mirrors lie in it. */
  readonly home: string;
  /** By flags and files: they stay as long as the process does. */
  readonly given: readonly Given[];
  /** Those that declarations name. */
  readonly secrets?: Secrets;
  /** More come by `declare`: until its first call nobody knows which. */
  readonly declared?: boolean;
  /** `sync` should look. */
  readonly onHint: () => void;
  readonly signal: AbortSignal;
};

type Entry = Pick<Given, 'declaration'> & { readonly source: Source; readonly stop: AbortController };

const noSecrets: Secrets = { read: async () => new Map() };

/** Keeps the set of sources, and watches those of them that are folders. */
export function createSources(options: Options): Sources {
  const { home, given, secrets: common = noSecrets, declared = false, onHint } = options;
  const mirrorsDir = join(home, 'mirrors');
  let entries: readonly Entry[] = [];
  let complete = !declared;
  const hinted = new Set<string>();

  function hint(name?: string): void {
    for (const each of name === undefined ? entries.map(({ source }) => source.name) : [name]) hinted.add(each);
    onHint();
  }

  function replace(wanted: readonly Given[]): void {
    const kept = new Map(entries.map((entry) => [entry.declaration.name, entry]));
    const next = wanted.map((each) => {
      const entry = kept.get(each.declaration.name);
      return entry && isDeepStrictEqual(entry.declaration, each.declaration)
        ? entry
        : open(each, { ...options, mirrorsDir, common, hint });
    });
    for (const entry of entries) if (!next.includes(entry)) entry.stop.abort();
    const changed = next.length !== entries.length || next.some((entry, index) => entry !== entries[index]);
    entries = next;
    if (changed) onHint();
    if (complete) void sweepMirrors(mirrorsDir, new Set(entries.map(({ declaration }) => declaration.name)));
  }

  replace(given);
  const names = new Set(given.map(({ declaration }) => declaration.name));
  return {
    current: () => entries.map(({ source }) => source),
    complete: () => complete,
    declare(declarations) {
      const first = !complete;
      complete = true;
      const further = declarations.filter(({ name }) => !names.has(name));
      replace([...given, ...further.map((declaration) => ({ declaration }))]);
      if (first) onHint();
    },
    hint,
    takeHint: (name) => hinted.delete(name),
  };
}

type Open = Options & { readonly mirrorsDir: string; readonly common: Secrets; readonly hint: (name: string) => void };

function open({ declaration, secrets }: Given, { mirrorsDir, common, hint, signal }: Open): Entry {
  const { name, spec } = declaration;
  const stop = new AbortController();
  if (spec.folder && !spec.suspend) {
    const ended = AbortSignal.any([stop.signal, signal]);
    const watch = spec.folder.at === 'head' ? watchHead : watchFolder;
    watch({ dir: spec.folder.path, onChange: () => hint(name), signal: ended });
  }
  const source = createSource({ declaration, secrets: secrets ?? common, mirrorDir: join(mirrorsDir, name) });
  return { declaration, source, stop };
}
