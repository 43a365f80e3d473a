type Operator = {
  readonly operator_name?: string;
  readonly operator_cardinality?: number;
  readonly children?: readonly Operator[];
};

/** Rows that the `READ_CSV` operators of a profile (DuckDB's `enable_profiling = 'json'`) gave; null when it has none. */
export function scannedRows(profile: string): number | null {
  if (profile === '') return null;
  const counts = operators(JSON.parse(profile) as Operator)
    .filter(({ operator_name }) => operator_name?.trim() === 'READ_CSV')
    .map(({ operator_cardinality }) => operator_cardinality ?? 0);
  return counts.length > 0 ? counts.reduce((sum, count) => sum + count, 0) : null;
}

function operators(operator: Operator): Operator[] {
  return [operator, ...(operator.children ?? []).flatMap(operators)];
}

/** How many `READ_CSV` operators a plan (`explain (format json)`) has. */
export function countScans(plan: string): number {
  return [...plan.matchAll(/"name": "READ_CSV\s*"/g)].length;
}
