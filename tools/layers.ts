/**
 * The rooms of the house and what each may import (docs/architecture.md, "The rooms"). A room is a folder (`a/b/`), a file,
 * or the files right in a folder (`a/*`); the longest name wins. A room may always import itself.
 */
export type Room = {
  readonly path: string;
  readonly mayImport: readonly string[];
  /** Rooms of which it may know the types and nothing else. */
  readonly mayImportTypes?: readonly string[];
  /** Decides without touching the world: of Node's own modules it may import only `pureModules`. */
  readonly pure?: true;
  /** Its place is kept; the folder does not exist yet. */
  readonly toCome?: true;
};

export type Layers = Readonly<Record<string, Room>>;

export const pureModules: readonly string[] = ['node:buffer', 'node:crypto', 'node:path', 'node:util'];

const decides = ['schemas', 'expressions', 'windows', 'runs', 'manifests'];
const acts = ['git', 'forges', 'store', 'kubernetes', 'executors', 'publish', 'alerts'];

export const layers: Layers = {
  schemas: { path: 'schemas/', mayImport: [] },
  expressions: { path: 'controller/expressions/', mayImport: ['schemas'], pure: true },
  windows: { path: 'controller/windows/', mayImport: ['schemas'], pure: true },
  runs: { path: 'controller/runs/', mayImport: ['schemas'], pure: true },
  manifests: { path: 'controller/manifests/', mayImport: ['schemas', 'expressions', 'windows'], pure: true },
  plan: { path: 'controller/plan/', mayImport: ['schemas', 'manifests', 'windows'], pure: true },
  git: { path: 'controller/git/', mayImport: ['schemas'] },
  forges: { path: 'controller/forges/', mayImport: ['schemas'] },
  store: { path: 'controller/store/', mayImport: ['schemas'] },
  kubernetes: { path: 'controller/kubernetes/', mayImport: ['schemas'] },
  executors: { path: 'controller/executors/', mayImport: ['schemas', 'kubernetes'], mayImportTypes: ['runs'] },
  publish: {
    path: 'controller/publish/',
    mayImport: ['schemas', 'kubernetes'],
    mayImportTypes: ['runs'],
  },
  alerts: { path: 'controller/alerts/', mayImport: ['schemas', 'kubernetes'], mayImportTypes: ['runs'], toCome: true },
  steps: { path: 'controller/steps/', mayImport: [...decides, ...acts] },
  api: { path: 'controller/api/', mayImport: ['schemas', 'store', 'windows'] },
  'api client': { path: 'controller/api/client.ts', mayImport: ['schemas'] },
  main: { path: 'controller/*', mayImport: [...decides, ...acts, 'steps', 'api'] },
  runner: { path: 'runner/', mayImport: ['schemas', 'expressions'] },
  ui: { path: 'ui/', mayImport: ['schemas', 'api client'], toCome: true },
  cli: {
    path: 'cli/',
    mayImport: [
      ...['schemas', 'git', 'forges', 'manifests', 'plan', 'windows', 'runner', 'api client', 'kubernetes'],
      ...['start command', 'drain command'],
    ],
  },
  'start command': { path: 'cli/start.ts', mayImport: ['schemas', 'cli', 'main'] },
  'drain command': { path: 'cli/drain.ts', mayImport: ['schemas', 'cli', 'main'] },
  tools: { path: 'tools/', mayImport: ['schemas', 'cli'] },
};

/** The room that a file (a path relative to the root, with `/`) lies in; null where it lies in none. */
export function roomOf(file: string, table: Layers = layers): string | null {
  let best: string | null = null;
  let length = 0;
  for (const [name, { path }] of Object.entries(table)) {
    if (!lies(file, path) || path.length <= length) continue;
    best = name;
    length = path.length;
  }
  return best;
}

function lies(file: string, path: string): boolean {
  if (path.endsWith('/')) return file.startsWith(path);
  if (path.endsWith('/*')) return file.startsWith(path.slice(0, -1)) && !file.slice(path.length - 1).includes('/');
  return file === path;
}
