import pc from 'picocolors';

export type OutputFormat = 'text' | 'json';

/** Where a command writes: results to `out`, everything else to `error`. Each call is one line or block of lines. */
export type Terminal = {
  out(text: string): void;
  error(text: string): void;
  /** Pretty JSON on `out`. */
  json(value: unknown): void;
  /** Colours for `out`; plain where that is no terminal, or NO_COLOR is set. */
  readonly colors: ReturnType<typeof pc.createColors>;
  readonly errorColors: ReturnType<typeof pc.createColors>;
  /** Width of `out` in columns; infinite where it is no terminal, so that nothing is cut. */
  readonly columns: number;
  /** A line on stderr that is rewritten, or null where stderr is no terminal. */
  readonly progress: { show(text: string): void; clear(): void } | null;
  now(): Date;
};

export function createTerminal(streams: {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  env: NodeJS.ProcessEnv;
}): Terminal {
  const { stdout, stderr, env } = streams;
  return {
    out: (text) => void stdout.write(`${text}\n`),
    error: (text) => void stderr.write(`${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    colors: pc.createColors(wantsColor(stdout, env)),
    errorColors: pc.createColors(wantsColor(stderr, env)),
    columns: stdout.isTTY ? Math.max(40, stdout.columns || 80) : Number.POSITIVE_INFINITY,
    progress: stderr.isTTY && env.TERM !== 'dumb' ? progressLine(stderr) : null,
    now: () => new Date(),
  };
}

// Not picocolors' own guess, which takes any CI for a terminal. See https://no-color.org.
function wantsColor(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true;
  return Boolean(stream.isTTY) && env.TERM !== 'dumb';
}

function progressLine(stderr: NodeJS.WriteStream): NonNullable<Terminal['progress']> {
  const clear = () => void stderr.write('\r\u001b[2K');
  return {
    clear,
    show: (text) => void stderr.write(`\r\u001b[2K${text.slice(0, Math.max(20, (stderr.columns || 80) - 1))}`),
  };
}
