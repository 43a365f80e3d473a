import { createHash } from 'node:crypto';

const longest = 63;

/** Ten hexadecimal digits: enough for names within one object or namespace. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

/** A commit or a digest as people read it: twelve digits. */
export function shortRevision(revision: string): string {
  return revision.slice(0, 12);
}

/** A text as the value of a label, of at most 63 characters: what is too long is cut and ended by a hash. */
export function labelValue(text: string): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest - 11).replace(/[^A-Za-z0-9]+$/, '')}-${shortHash(text)}`;
}
