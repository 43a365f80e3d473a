import { relative, sep } from 'node:path';
import { watch } from 'chokidar';

/** Several events of one save are one change. */
const quietMs = 100;

type Options = {
  readonly dir: string;
  /** Something below the folder may have changed: read the whole folder again. */
  readonly onChange: () => void;
  readonly signal: AbortSignal;
};

/**
 * Watches a folder until `signal` aborts, also while it is removed and made again. `ready` resolves when changes are seen from then
 * on. Links are not followed, since one could lead to the whole disk; what they point to inside the folder is watched anyway.
 */
export function watchFolder({ dir, ...options }: Options): { readonly ready: Promise<void> } {
  return watchPaths({ ...options, paths: [dir], ignored: (path) => relative(dir, path).split(sep).some(isIgnored) });
}

/** The same for paths that may come and go. */
export function watchPaths({
  paths,
  ignored = () => false,
  onChange,
  signal,
}: Omit<Options, 'dir'> & { readonly paths: string[]; readonly ignored?: (path: string) => boolean }): {
  readonly ready: Promise<void>;
} {
  let timer: NodeJS.Timeout | undefined;
  const schedule = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, quietMs);
  };
  const watcher = watch(paths, { ignoreInitial: true, followSymlinks: false, ignored });
  // Where the system refuses more watches, the next reading by the clock still sees the change.
  watcher.on('all', schedule).on('error', schedule);
  const ready = new Promise<void>((resolve) => watcher.once('ready', resolve));
  const stop = (): void => {
    clearTimeout(timer);
    void watcher.close();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return { ready };
}

/** Kubernetes swaps the link `..data` when a mounted ConfigMap changes, and nothing else tells of it. */
function isIgnored(name: string): boolean {
  return name === 'node_modules' || (name.startsWith('.') && !name.startsWith('..'));
}
