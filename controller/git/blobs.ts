import { spawn } from 'node:child_process';
import { gitConfig, gitEnvironment } from './settings.ts';

/**
 * Contents by object name, read by one `git cat-file`: a process for each of thousands of files would take minutes. Of larger ones
 * than `maxBytes` only the size. What the repository does not have is not in the answer.
 */
export async function readBlobs(
  dir: string,
  names: readonly string[],
  maxBytes: number,
): Promise<Map<string, Buffer | number>> {
  const sizes = parseSizes(await catFile(dir, ['--batch-check'], names));
  const small = [...sizes].flatMap(([name, size]) => (size <= maxBytes ? [name] : []));
  return new Map<string, Buffer | number>([...sizes, ...parseContents(await catFile(dir, ['--batch'], small))]);
}

async function catFile(dir: string, args: readonly string[], names: readonly string[]): Promise<Buffer> {
  if (names.length === 0) return Buffer.alloc(0);
  const child = spawn('git', [...gitConfig.flatMap((each) => ['-c', each]), 'cat-file', ...args], {
    cwd: dir,
    env: { ...gitEnvironment },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve, reject) => child.on('error', reject).on('close', () => resolve()));
  child.stdin.on('error', () => {});
  child.stdin.end(`${names.join('\n')}\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  await ended;
  return Buffer.concat(chunks);
}

/** `<name> blob <size>` for each, or `<name> missing`. */
function parseSizes(output: Buffer): Map<string, number> {
  const lines = output.toString('latin1').split('\n');
  return new Map(
    lines.flatMap((line): [string, number][] => {
      const [name = '', type, size] = line.split(' ');
      return type === 'blob' ? [[name, Number(size)]] : [];
    }),
  );
}

/** The same, and after each such line its content and a line feed. */
function parseContents(output: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(10, at);
    const [name = '', type, size] = output.toString('latin1', at, end).split(' ');
    at = end + 1;
    if (type !== 'blob') continue;
    found.set(name, output.subarray(at, at + Number(size)));
    at += Number(size) + 1;
  }
  return found;
}
