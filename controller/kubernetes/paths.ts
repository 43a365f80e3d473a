import type { Kind, Resource } from './client.ts';

/** `/api/v1/namespaces/a/pods/b/log`, `/apis/batch/v1/jobs`. Without a name: the collection. */
export function pathOf(
  kind: Kind,
  key: { namespace?: string | undefined; name?: string | undefined },
  subresource?: string,
): string {
  const segments = [
    kind.apiVersion.includes('/') ? 'apis' : 'api',
    ...kind.apiVersion.split('/'),
    ...(key.namespace === undefined ? [] : ['namespaces', key.namespace]),
    kind.plural,
    ...(key.name === undefined ? [] : [key.name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}

/** The plural is English's, as it is for every kind of Kubernetes itself and of ours: no discovery is needed. */
export function kindOf({ apiVersion, kind }: Resource): Kind {
  const word = kind.toLowerCase();
  if (/[^aeiou]y$/.test(word)) return { apiVersion, kind, plural: `${word.slice(0, -1)}ies` };
  return { apiVersion, kind, plural: /(s|x|ch|sh)$/.test(word) ? `${word}es` : `${word}s` };
}
