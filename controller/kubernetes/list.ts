import type { Kind, Resource, Where } from './client.ts';
import { KubernetesError } from './errors.ts';
import { pathOf } from './paths.ts';
import type { Transport } from './transport.ts';

const pageSize = 500;

type Page = {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  /** Null for none where only metadata was asked for. */
  readonly items: readonly Omit<Resource, 'apiVersion' | 'kind'>[] | null;
};

type Options = {
  readonly signal?: AbortSignal;
  /** What is to be kept of an object until the last page is there. */
  readonly slim?: ((one: Resource) => Resource) | undefined;
};

/** All of a kind, and the version of the whole, from which a watch goes on. */
export async function listPages(
  transport: Transport,
  kind: Kind,
  where: Where,
  options: Options = {},
): Promise<{ items: Resource[]; resourceVersion: string }> {
  try {
    return await readPages(transport, kind, where, options);
  } catch (error) {
    // Between two pages the server forgot the version of the first one: the list is begun once more.
    if (error instanceof KubernetesError && error.status === 410) return readPages(transport, kind, where, options);
    throw error;
  }
}

export function selectorsOf({ labels, fields }: Where): Record<string, string> {
  return {
    ...(labels === undefined ? {} : { labelSelector: labels }),
    ...(fields === undefined ? {} : { fieldSelector: fields }),
  };
}

async function readPages(transport: Transport, kind: Kind, where: Where, { signal, slim = (one) => one }: Options) {
  const items: Resource[] = [];
  let token: string | undefined;
  for (;;) {
    const page = (await transport.send({
      verb: 'list',
      resource: kind.plural,
      method: 'GET',
      path: pathOf(kind, { namespace: where.namespace }),
      query: {
        limit: String(pageSize),
        ...selectorsOf(where),
        ...(token === undefined ? {} : { continue: token }),
      },
      metadataOnly: where.metadataOnly,
      signal,
    })) as unknown as Page;
    // The items of a list do not say what they are.
    for (const item of page.items ?? [])
      items.push(slim({ ...item, apiVersion: kind.apiVersion, kind: kind.kind } as Resource));
    token = page.metadata.continue || undefined;
    if (token === undefined) return { items, resourceVersion: page.metadata.resourceVersion };
  }
}
