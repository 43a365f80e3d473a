import type { Scope } from '../../controller/expressions/template.ts';
import type { Bundle, CompiledBlock, Load } from '../../schemas/generated/types.ts';
import type { Connections } from '../connections/connections.ts';
import { TaskFailure } from '../errors.ts';
import { render } from '../scope.ts';
import { bindSql } from '../transforms/sql-source.ts';
import type { BodyOptions } from './body.ts';
import type { HttpRequest } from './http-client.ts';
import type { LoadContext, LoadSource } from './load.ts';

/** The default of `maxBytes`: 50 GiB. */
const defaultMaxBytes = 50 * 1024 ** 3;

export type OpenLoadOptions = {
  readonly block: CompiledBlock;
  readonly load: Load;
  readonly scope: Scope;
  readonly bundle: Bundle;
  readonly connections: Connections;
  readonly context: LoadContext;
};

/** Makes the rows of a load ready to be read. Each form is imported only where it is used. */
export async function openLoad(options: OpenLoadOptions): Promise<LoadSource> {
  const { load, block, scope, bundle, connections, context } = options;
  if (load.inline) {
    const rows = load.inline.rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          typeof value === 'string' ? render(value, scope, 'scalar', `rows: ${name}`) : value,
        ]),
      ),
    );
    const { openInlineLoad } = await import('./inline.ts');
    return openInlineLoad(context, rows);
  }
  if (load.postgres) {
    const query = bindSql(load.postgres.sql, block.origin, bundle, scope);
    const connection = await connections.postgres(load.postgres.connection);
    const { openPostgresLoad } = await import('./postgres.ts');
    return openPostgresLoad(context, connection, query);
  }
  if (load.http) return openHttp(options, load.http);
  throw new TaskFailure('InternalError', 'the load has no form that this version knows');
}

async function openHttp(
  { load, scope, connections, context }: OpenLoadOptions,
  http: NonNullable<Load['http']>,
): Promise<LoadSource> {
  const request = await httpRequest(http, scope, connections);
  const [{ openHttpLoad }, { defaultPolicy }] = await Promise.all([import('./http.ts'), import('./body.ts')]);
  const body: Pick<BodyOptions, 'request' | 'compression' | 'maxBytes' | 'policy'> = {
    request,
    compression: http.compression ?? 'auto',
    maxBytes: http.maxBytes ?? defaultMaxBytes,
    policy: defaultPolicy,
  };
  return openHttpLoad({ context, body, csv: load.format?.csv ?? {} });
}

/** Headers that name a person are kept from other hosts even where a block gives them itself. */
const personal: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

async function httpRequest(
  http: NonNullable<Load['http']>,
  scope: Scope,
  connections: Connections,
): Promise<HttpRequest> {
  const path = String(render(http.url, scope, 'string', 'url'));
  const connection = http.connection === undefined ? null : await connections.http(http.connection);
  const own = Object.entries(http.headers ?? {}).map(
    ([name, value]) => [name.toLowerCase(), String(render(value, scope, 'string', `headers.${name}`))] as const,
  );
  return {
    url: connection?.resolve(path) ?? absoluteUrl(path),
    headers: Object.fromEntries(own.filter(([name]) => !personal.has(name))),
    private: { ...connection?.headers, ...Object.fromEntries(own.filter(([name]) => personal.has(name))) },
  };
}

function absoluteUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new TaskFailure(
    'LoadFailed',
    `url "${text}" is not an http or https address; give one such as https://example.org/a.csv`,
  );
}
