import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPostgres } from '../../../../runner/connections/postgres.ts';
import type { ConnectionSpec } from '../../../../schemas/generated/types.ts';
import { secretVariable } from '../../../../schemas/secrets.ts';
import { createTestDatabase } from '../../../support/postgres.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let url: URL;
beforeAll(async () => {
  database = await createTestDatabase();
  url = new URL(database.url);
});
afterAll(() => database.drop());

type Spec = NonNullable<ConnectionSpec['postgres']>;

function open(
  changes: Partial<Spec> = {},
  environment: Record<string, string> = {},
  signal = new AbortController().signal,
) {
  const spec: Spec = {
    host: "{{ env_var('HOST', '127.0.0.1') }}",
    port: Number(url.port),
    database: url.pathname.slice(1),
    user: url.username,
    password: { secretKeyRef: { name: 'warehouse', key: 'password' } },
    ...changes,
  };
  const secrets = { [secretVariable({ name: 'warehouse', key: 'password' })]: url.password };
  const scope = { variables: {}, window: null, timeZone: 'UTC' };
  const applicationName = 'pipewright trips-2019-01';
  return openPostgres({
    name: 'warehouse',
    spec,
    scope,
    environment: { ...secrets, ...environment },
    applicationName,
    signal,
  });
}

test('sessions show the name of the run, and are all gone after close', async () => {
  const connection = open();
  const [first, second] = [await connection.client(), await connection.client()];
  const sessions = `select count(*)::integer as sessions from pg_stat_activity where application_name = 'pipewright trips-2019-01' and datname = current_database()`;
  expect((await first.query(sessions)).rows).toEqual([{ sessions: 2 }]);
  const endless = second.query('select pg_sleep(600)');
  const ended = expect(endless).rejects.toThrow();
  await connection.close();
  await ended;
});

test('a port may be a text from the environment', async () => {
  const connection = open({ port: "{{ env_var('PORT') }}" }, { PORT: url.port });
  await connection.client();
  await connection.close();
});

const failures: [title: string, changes: Partial<Spec>, message: RegExp][] = [
  [
    'a wrong user',
    { user: 'nobody' },
    /^connection "warehouse": the server at 127.0.0.1:\d+ refused the password of "nobody"; correct/,
  ],
  ['a wrong database', { database: 'nowhere' }, /has no database "nowhere"; create it, or correct database$/],
  [
    'a host that is none',
    { host: 'no-such-host.invalid' },
    /the host "no-such-host.invalid" has no address; correct host$/,
  ],
  ['TLS that the server does not offer', { tls: 'require' }, /offers no TLS; set tls: disable, or enable it there$/],
];

test.each(failures)('%s is said in one sentence', async (_, changes, message) => {
  await expect(open(changes).client()).rejects.toMatchObject({
    reason: 'ConnectionFailed',
    message: expect.stringMatching(message),
  });
});

test('a password never stands in a message', async () => {
  const changes = { password: "{{ env_var('PASSWORD') }}" };
  const failure = await open(changes, { PASSWORD: 'sesame-7' })
    .client()
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ reason: 'ConnectionFailed' });
  expect(String(failure)).not.toContain('sesame');
});

test('nothing that listens is said after some tries, and a cancelled task does not try again', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await expect(open({ port }).client()).rejects.toMatchObject({
    reason: 'ConnectionFailed',
    message: `connection "warehouse": nothing listens at 127.0.0.1:${port}; start the server, or correct host and port`,
  });
  const cancelled = AbortSignal.abort(new Error('cancelled'));
  await expect(open({ port }, {}, cancelled).client()).rejects.toThrow('cancelled');
});

test('what is missing in the environment is named with the connection', () => {
  expect(() => open({ password: { secretKeyRef: { name: 'other', key: 'key' } } })).toThrow(
    expect.objectContaining({
      reason: 'MissingSecret',
      message: expect.stringContaining('connection "warehouse": password: secret "other" has no key "key"'),
    }),
  );
  expect(() => open({ user: "{{ env_var('NOT_SET') }}" })).toThrow(
    expect.objectContaining({
      reason: 'MissingSecret',
      message: expect.stringContaining('connection "warehouse": user: environment variable NOT_SET is not set'),
    }),
  );
});
