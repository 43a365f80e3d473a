import { isIP, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Scope } from '../../controller/expressions/template.ts';
import type { ConnectionSpec } from '../../schemas/generated/types.ts';
import { messageOf, TaskFailure } from '../errors.ts';
import { createConnectionValues, type Environment } from './values.ts';

/** A database that blocks of a task read and write. */
export type PostgresConnection = {
  /** The Connection’s name, for messages. */
  readonly name: string;
  readonly user: string;
  readonly database: string;
  /** A session of its own, connected. Throws `ConnectionFailed`. */
  client(): Promise<pg.Client>;
  /** Ends every session that is still there, whatever it is doing. */
  close(): Promise<void>;
};

type PostgresOptions = {
  name: string;
  spec: NonNullable<ConnectionSpec['postgres']>;
  scope: Scope;
  environment: Environment;
  /** What `pg_stat_activity` shows: `pipewright <run name>`. */
  applicationName: string;
  signal: AbortSignal;
};

const connectTimeoutMs = 10_000;
/** Waits before further tries when the server is not there yet or is starting, as after a restart. */
const retryAfterMs = [250, 750, 2000];

/** Reads the Connection; connects only when a client is asked for. Throws `MissingSecret` or `ExpressionFailed`. */
export function openPostgres(options: PostgresOptions): PostgresConnection {
  const { name, spec, signal } = options;
  const config = clientConfig(options);
  const clients = new Set<pg.Client>();

  async function connectOnce(): Promise<pg.Client> {
    const client = new pg.Client(config);
    // A session that breaks while nobody waits for it must not end the process; whoever uses it next is told.
    client.on('error', () => {});
    client.on('end', () => clients.delete(client));
    clients.add(client);
    try {
      await client.connect();
      return client;
    } catch (error) {
      destroy(client);
      throw error;
    }
  }

  return {
    name,
    user: String(config.user),
    database: String(config.database),
    async client() {
      for (const waitMs of [...retryAfterMs, null]) {
        try {
          signal.throwIfAborted();
          return await connectOnce();
        } catch (error) {
          signal.throwIfAborted();
          if (waitMs === null || !isPassing(error)) throw connectionFailure(name, config, spec.tls ?? 'disable', error);
          await pause(waitMs, undefined, { signal });
        }
      }
      throw new TypeError('unreachable: the last try returns or throws');
    },
    async close() {
      for (const client of clients) destroy(client);
      clients.clear();
    },
  };
}

/** Cuts a session off. A server that sees it in the middle of a transaction rolls back. */
export function destroy(client: pg.Client): void {
  socketOf(client).destroy();
}

/** The socket of a session, which `@types/pg` does not know. */
export function socketOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

function clientConfig({ name, spec, scope, environment, applicationName }: PostgresOptions): pg.ClientConfig {
  const values = createConnectionValues({ name, scope, environment });
  const host = values.text('host', spec.host);
  return {
    host,
    port: spec.port === undefined ? 5432 : values.integer('port', spec.port),
    database: values.text('database', spec.database),
    user: values.text('user', spec.user),
    // An empty text, not undefined: without it pg would look for PGPASSWORD and a password file.
    password: spec.password === undefined ? '' : values.secret('password', spec.password),
    ssl: tlsOptions(spec.tls ?? 'disable', host),
    application_name: shortened(applicationName),
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  };
}

function tlsOptions(mode: 'disable' | 'require' | 'verify', host: string): pg.ClientConfig['ssl'] {
  if (mode === 'disable') return false;
  const verified = mode === 'verify';
  return isIP(host) ? { rejectUnauthorized: verified } : { rejectUnauthorized: verified, servername: host };
}

/** Postgres cuts names at 63 bytes, with a notice; our own comparison with what it shows must see the same. */
function shortened(name: string): string {
  return name.replace(/[^ -~]/g, '?').slice(0, 63);
}

const passingCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EAI_AGAIN', '57P03', '53300']);

function isPassing(error: unknown): boolean {
  return passingCodes.has(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function connectionFailure(name: string, config: pg.ClientConfig, tls: string, error: unknown): TaskFailure {
  const { host, port, user, database } = config;
  const at = `${host}:${port}`;
  const sentences: Record<string, string> = {
    ECONNREFUSED: `nothing listens at ${at}; start the server, or correct host and port`,
    ENOTFOUND: `the host "${host}" has no address; correct host`,
    EAI_AGAIN: `the host "${host}" has no address; correct host`,
    '28P01': `the server at ${at} refused the password of "${user}"; correct the secret or user`,
    '28000': `the server at ${at} does not let "${user}" in: ${messageOf(error)}; allow it in pg_hba.conf, or set tls`,
    '3D000': `the server at ${at} has no database "${database}"; create it, or correct database`,
    '53300': `the server at ${at} has no free connection; raise max_connections, or run fewer tasks at once`,
  };
  const fact = sentences[codeOf(error)] ?? unlistedFact(at, tls, messageOf(error));
  return new TaskFailure('ConnectionFailed', `connection "${name}": ${fact}`, {}, error);
}

function unlistedFact(at: string, tls: string, message: string): string {
  if (/does not support SSL/i.test(message))
    return `the server at ${at} offers no TLS; set tls: disable, or enable it there`;
  if (/certificate|self-signed|altname/i.test(message)) {
    return `the certificate of ${at} could not be verified (${message}); name its authority in NODE_EXTRA_CA_CERTS, or set tls: require`;
  }
  if (/timeout/i.test(message))
    return `${at} did not answer within ${connectTimeoutMs / 1000} s; correct host and port, or the network`;
  return `connecting to ${at} with tls: ${tls} failed: ${message || 'the address did not answer'}`;
}
