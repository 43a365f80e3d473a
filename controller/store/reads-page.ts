/** `before` is not something that a page has given as its `next`. */
export class PageError extends Error {
  constructor(before: string) {
    super(
      `"before=${before}" is not the \`next\` of a page; leave it out for the newest, or pass \`next\` on as it is`,
    );
    this.name = 'PageError';
  }
}

export const iso = (at: Date) => at.toISOString();
export const isoOrNull = (at: Date | null) => at?.toISOString() ?? null;

/** One row more than the page holds was asked for: whether it came tells whether there is a next page. */
export function cutPage<T>(rows: readonly T[], limit: number): { page: readonly T[]; more: boolean } {
  return { page: rows.slice(0, limit), more: rows.length > limit };
}
