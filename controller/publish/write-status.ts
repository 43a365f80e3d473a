import type { Key, Kind, Kubernetes, Resource } from '../kubernetes/client.ts';

/** Writes the whole status of an object: what is left out is removed. Throws a KubernetesError of status 404 where there is none. */
export function writeStatus(
  kubernetes: Kubernetes,
  { apiVersion, kind }: Kind,
  { name, namespace = 'default' }: Key,
  status: object,
): Promise<Resource> {
  return kubernetes.apply({ apiVersion, kind, metadata: { name, namespace }, status }, { subresource: 'status' });
}
