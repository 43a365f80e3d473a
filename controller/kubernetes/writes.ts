import type { Kubernetes } from './client.ts';
import { KubernetesError } from './errors.ts';
import { kindOf, pathOf } from './paths.ts';
import type { Transport } from './transport.ts';

const fieldManager = 'pipewright';

/** The calls that change something. See Kubernetes. */
export function createWrites(transport: Transport): Pick<Kubernetes, 'create' | 'apply' | 'patch' | 'remove'> {
  return {
    async create(resource) {
      const kind = kindOf(resource);
      const path = pathOf(kind, { ...resource.metadata, name: undefined });
      try {
        const call = { verb: 'create', resource: kind.plural, method: 'POST' as const, query: { fieldManager } };
        // Nobody reads the answer: its metadata is enough to know that there is one.
        await transport.send({ ...call, path, body: resource, metadataOnly: true });
        return 'created';
      } catch (error) {
        if (error instanceof KubernetesError && error.reason === 'AlreadyExists') return 'exists';
        throw error;
      }
    },
    async apply(resource, { subresource } = {}) {
      const kind = kindOf(resource);
      return transport.send({
        verb: 'apply',
        resource: subresource ? `${kind.plural}/${subresource}` : kind.plural,
        method: 'PATCH',
        path: pathOf(kind, resource.metadata, subresource),
        query: { fieldManager, force: 'true' },
        body: resource,
        contentType: 'application/apply-patch+yaml',
      });
    },
    async patch(kind, key, mergePatch, { subresource } = {}) {
      return transport.find({
        verb: 'patch',
        resource: subresource ? `${kind.plural}/${subresource}` : kind.plural,
        method: 'PATCH',
        path: pathOf(kind, key, subresource),
        query: { fieldManager },
        body: mergePatch,
        contentType: 'application/merge-patch+json',
      });
    },
    async remove(kind, key, { uid, resourceVersion, propagation, graceSeconds } = {}) {
      const body = {
        propagationPolicy: propagation ?? 'Background',
        preconditions: {
          ...(uid === undefined ? {} : { uid }),
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        },
        ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
      };
      try {
        const path = pathOf(kind, key);
        await transport.find({ verb: 'delete', resource: kind.plural, method: 'DELETE', path, body });
      } catch (error) {
        const isAnother =
          (uid ?? resourceVersion) !== undefined && error instanceof KubernetesError && error.status === 409;
        if (!isAnother) throw error;
      }
    },
  };
}
