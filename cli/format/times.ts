const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** `850ms`, `12.3s`, `2m 05s`, `3h 07m`, `2d 04h`. */
export function duration(ms: number): string {
  if (ms < second) return `${Math.round(ms)}ms`;
  // 59.95 s and more would read 60.0s.
  if (ms < minute - 50) return `${(ms / second).toFixed(1)}s`;
  const rounded = Math.round(ms / second) * second;
  if (rounded < hour) return pair(rounded, minute, 'm', second, 's');
  return rounded < day ? pair(rounded, hour, 'h', minute, 'm') : pair(rounded, day, 'd', hour, 'h');
}

function pair(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = String(Math.floor((ms % large) / small)).padStart(2, '0');
  return `${Math.floor(ms / large)}${largeName} ${rest}${smallName}`;
}

/** `12s ago`, `2m ago`, `in 3h`; beyond a month the date. */
export function relative(at: string, now: Date): string {
  const ms = now.getTime() - Date.parse(at);
  const size = Math.abs(ms);
  if (size > 30 * day) return at.slice(0, 10);
  const text =
    size < minute
      ? `${Math.floor(size / second)}s`
      : size < hour
        ? `${Math.floor(size / minute)}m`
        : size < day
          ? `${Math.floor(size / hour)}h`
          : `${Math.floor(size / day)}d`;
  return ms < 0 ? `in ${text}` : `${text} ago`;
}

/** `2026-01-31 06:00`, with seconds only where there are any. */
export function localTime(at: string, timeZone: string): string {
  const text = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone }).format(
    new Date(at),
  );
  return text.replace(/:00$/, '');
}
