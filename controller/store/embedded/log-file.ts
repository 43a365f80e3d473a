import { copyFile, open, stat, truncate } from 'node:fs/promises';

/** Size in bytes of a log that is there, else 0. */
export async function logSize(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

/** What was written after `offset`, at most its last 16 KiB. */
export async function readLogFrom(path: string, offset: number): Promise<string> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const start = Math.max(offset, size - 16_384);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - start)), { position: start });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Keeps a log that a running server appends to below `limit` bytes (about): its old text moves to `<path>.1`. */
export async function boundLog(path: string, limit = 5 * 1024 * 1024): Promise<void> {
  if ((await logSize(path)) <= limit) return;
  await copyFile(path, `${path}.1`);
  // The server appends, so it goes on at the new end. Lines between the copy and this one are lost; it is a log.
  await truncate(path);
}
