/** How far a block is. Bytes of a load are counted as transferred, those of an export as sent. */
export type Progress = {
  readonly block: string;
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly totalBytes: number | null;
};

const everyMs = 3000;

/** Hands progress on, and writes it to the log every few seconds for each block. `now` is a clock in milliseconds. */
export function createProgress(
  log: (line: string) => void,
  onProgress: (progress: Progress) => void,
  now: () => number,
): (progress: Progress) => void {
  const loggedAt = new Map<string, number>();
  return (progress) => {
    onProgress(progress);
    const last = loggedAt.get(progress.block);
    if (last === undefined) loggedAt.set(progress.block, now());
    else if (now() - last >= everyMs) {
      loggedAt.set(progress.block, now());
      log(`${progress.block}: ${progressText(progress)}`);
    }
  };
}

function progressText({ rows, bytes, totalBytes }: Progress): string {
  const parts = [
    rows === null ? '' : `${countText(rows)} rows`,
    bytes === null ? '' : `${sizeText(bytes)}${totalBytes === null ? '' : ` of ${sizeText(totalBytes)}`}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}
