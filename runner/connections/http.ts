import type { Scope } from '../../controller/expressions/template.ts';
import type { ConnectionSpec } from '../../schemas/generated/types.ts';
import { TaskFailure } from '../errors.ts';
import { createConnectionValues, type Environment } from './values.ts';

/** A server as a load asks it. */
export type HttpConnection = {
  /** The address of a path below the connection’s `url`; an absolute URL must lie below it, because the headers go with it. */
  resolve(path: string): URL;
  /** Lower-case names. They may hold secrets: never log them, never send them to another origin. */
  readonly headers: Readonly<Record<string, string>>;
};

type HttpOptions = { name: string; spec: NonNullable<ConnectionSpec['http']>; scope: Scope; environment: Environment };

/** Throws `MissingSecret`, `ExpressionFailed` or `ConnectionFailed` (an unusable URL). */
export function openHttp({ name, spec, scope, environment }: HttpOptions): HttpConnection {
  const values = createConnectionValues({ name, scope, environment });
  const base = baseUrl(name, values.text('url', spec.url));
  const headers = Object.entries(spec.headers ?? {}).map(
    ([header, value]) => [header.toLowerCase(), values.secret(`headers.${header}`, value)] as const,
  );
  return {
    headers: Object.fromEntries(headers),
    resolve(path) {
      const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
      const url = new URL(absolute ? path : base.href + path.replace(/^\/+/, ''));
      if (url.origin === base.origin && url.pathname.startsWith(base.pathname)) return url;
      const wayOut = 'use a path below it, or leave out the connection';
      throw new TaskFailure(
        'ConnectionFailed',
        `connection "${name}": ${url.href} does not lie below ${base.href}; ${wayOut}`,
      );
    },
  };
}

function baseUrl(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new TaskFailure(
      'ConnectionFailed',
      `connection "${name}": url is not an http or https address; give one such as https://example.org/data`,
    );
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
