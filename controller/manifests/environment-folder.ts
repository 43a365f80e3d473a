/** What lies below it says what is otherwise in an environment: `environments/production/warehouse.yaml`. */
export const environmentFolder = 'environments/';

/** The environment that a file belongs to; '' for one that lies between their folders, undefined for all others. */
export function environmentOf(file: string): string | undefined {
  if (!file.startsWith(environmentFolder)) return undefined;
  const rest = file.slice(environmentFolder.length);
  return rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : '';
}

/** The environments of a source, sorted. */
export function environmentsOf(files: Iterable<string>): string[] {
  const names = new Set([...files].map((file) => environmentOf(file) ?? ''));
  names.delete('');
  return [...names].sort();
}
