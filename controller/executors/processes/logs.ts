import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 200;

/**
 * The text of a log that grows, as it grows, until `isOver` has said so or `signal` aborts. What was written up to that
 * answer is still delivered. Without the file there is no text.
 */
export async function* tail(
  path: string,
  options: { isOver: () => Promise<boolean>; signal: AbortSignal },
): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let position = 0;
  while (!options.signal.aborted) {
    const over = await options.isOver();
    for await (const chunk of readFrom(path, position)) {
      position += chunk.length;
      const text = decoder.decode(chunk, { stream: true });
      if (text) yield text;
      if (options.signal.aborted) return;
    }
    if (over) break;
    await delay(pollMs, undefined, { signal: options.signal }).catch(() => {});
  }
  const rest = decoder.decode();
  if (rest) yield rest;
}

async function* readFrom(path: string, start: number): AsyncIterable<Buffer> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (handle) yield* handle.createReadStream({ start });
}
