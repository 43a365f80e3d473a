import { execFile } from 'node:child_process';
import { basename } from 'node:path';

/** Returns what a program prints; throws with what it says where it fails. `input` is its standard input. */
export function runProgram(
  command: string,
  args: readonly string[],
  { env, input }: { env?: NodeJS.ProcessEnv; input?: string | undefined } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${basename(command)} ${args.join(' ')}: ${stderr.trim() || error.message}`));
      else resolve(stdout);
    });
    // It may end without reading.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
