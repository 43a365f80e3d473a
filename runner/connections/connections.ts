import type { Bundle } from '../../schemas/generated/types.ts';
import { TaskFailure } from '../errors.ts';
import { connectionScope } from '../scope.ts';
import type { HttpConnection } from './http.ts';
import type { PostgresConnection } from './postgres.ts';
import type { Environment } from './values.ts';

/** The connections of a task, read when they are first asked for. */
export interface Connections {
  postgres(name: string): Promise<PostgresConnection>;
  http(name: string): Promise<HttpConnection>;
  close(): Promise<void>;
}

export function createConnections(options: {
  bundle: Bundle;
  environment: Environment;
  /** What a database shows of its session. */
  applicationName: string;
  signal: AbortSignal;
}): Connections {
  const { bundle, environment, applicationName, signal } = options;
  const common = { scope: connectionScope(bundle.timeZone), environment };
  const opened = new Map<string, PostgresConnection>();

  const specOf = (name: string) => {
    const spec = bundle.connections[name];
    if (spec) return spec;
    throw new TaskFailure('InternalError', `the bundle lacks the connection "${name}"`);
  };

  return {
    async postgres(name) {
      const known = opened.get(name);
      if (known) return known;
      const spec = specOf(name).postgres;
      if (!spec)
        throw new TaskFailure('ConnectionFailed', `connection "${name}" is not a Postgres database; name another`);
      // Loading `pg` takes longer than all that a task without a database does.
      const { openPostgres } = await import('./postgres.ts');
      const connection = openPostgres({ ...common, name, spec, applicationName, signal });
      opened.set(name, connection);
      return connection;
    },
    async http(name) {
      const spec = specOf(name).http;
      if (!spec) throw new TaskFailure('ConnectionFailed', `connection "${name}" is not an HTTP server; name another`);
      const { openHttp } = await import('./http.ts');
      return openHttp({ ...common, name, spec });
    },
    async close() {
      for (const connection of opened.values()) await connection.close();
    },
  };
}
