import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { createMirrored, type Mirrored } from '../../support/mirrored.ts';

const run = promisify(execFile);
const { signal } = new AbortController();
const login = { user: 'bot', password: 'sesame-1' };

let ground: Mirrored;
let commit: string;
beforeEach(async () => {
  ground = await createMirrored(login);
  await ground.repository.write({ 'team/a.yaml': 'one\n' });
  commit = await ground.repository.commit();
});
afterEach(() => ground.close());

/** The port of a server that ends with the test. */
async function listen(server: ReturnType<typeof createServer> | ReturnType<typeof createTlsServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Hands a request on to Git's server. */
const hand: RequestListener = (from, to) => {
  const { host, port } = new URL(ground.url);
  const path = (from.url ?? '').replace(/^http:\/\/[^/]+/, '');
  const onward = request({ host: '127.0.0.1', port, path, method: from.method, headers: { ...from.headers, host } });
  onward.on('response', (answer) => {
    to.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(to);
  });
  from.pipe(onward);
};

test('a server with a certificate of its own is trusted by its CA bundle and by nothing else', async () => {
  const [key, cert] = [join(ground.home, 'key.pem'), join(ground.home, 'cert.pem')];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const make = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    ...name,
  ];
  await run('openssl', [...make, '-keyout', key, '-out', cert]);
  const ca = await readFile(cert, 'utf8');
  const port = await listen(
    createTlsServer({ key: await readFile(key), cert: ca }, (socket) => {
      const onward = connect(Number(new URL(ground.url).port), '127.0.0.1');
      socket.on('error', () => onward.destroy()).pipe(onward);
      onward.on('error', () => socket.destroy()).pipe(socket);
    }),
  );
  const url = `https://localhost:${port}${ground.path}`;
  await expect(ground.mirrorOf({ url }).update(signal)).rejects.toThrow(/its certificate is not trusted/);
  expect((await ground.mirrorOf({ url, ca }).update(signal)).commit).toBe(commit);
  const rubbish = '-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n';
  await expect(ground.mirrorOf({ url, ca: rubbish }).update(signal)).rejects.toThrow(/its certificate is not trusted/);
});

test('everything goes through the proxy, whose password is in no message', async () => {
  const asked: (string | undefined)[] = [];
  const proxy = await listen(
    createServer((from, to) => {
      asked.push(from.headers['proxy-authorization']);
      if (from.headers['proxy-authorization']) hand(from, to);
      else to.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end();
    }),
  );
  const url = `http://git.example.org${ground.path}`;
  const found = await ground.mirrorOf({ url, proxy: `http://me:open-barley@127.0.0.1:${proxy}` }).update(signal);
  expect(found.commit).toBe(commit);
  expect(asked).toContain(`Basic ${Buffer.from('me:open-barley').toString('base64')}`);
  await expect(ground.mirrorOf({ url, proxy: `http://127.0.0.1:${proxy}` }).update(signal)).rejects.toThrow(
    /the proxy refuses or cannot be reached/,
  );
  const away = ground.mirrorOf({ url, proxy: 'http://me:open-barley@127.0.0.1:1' }).update(signal);
  await expect(away).rejects.toThrow(/cannot be reached/);
  await expect(away).rejects.not.toThrow(/open-barley/);
});

test('credentials are in no argument of the processes that use them', async () => {
  const asked = Promise.withResolvers<void>();
  const port = await listen(createServer(() => asked.resolve()));
  const stop = new AbortController();
  const proxy = `http://me:open-barley@127.0.0.1:${port}`;
  const updating = ground.mirrorOf({ url: 'http://git.example.org/x', proxy }).update(stop.signal);
  await asked.promise;
  const { stdout } = await run('sh', ['-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "']);
  stop.abort(new Error('seen'));
  await expect(updating).rejects.toThrow('seen');
  expect(stdout).toContain('http://git.example.org/x');
  expect(stdout).not.toContain('open-barley');
  expect(stdout).not.toContain(Buffer.from(`${login.user}:${login.password}`).toString('base64'));
});

test('credentials do not follow a redirect to another host', async () => {
  const seen: (string | undefined)[] = [];
  const thief = await listen(
    createServer((from, to) => {
      seen.push(from.headers.authorization);
      hand(from, to);
    }),
  );
  const port = await listen(
    createServer((from, to) => void to.writeHead(302, { location: `http://localhost:${thief}${from.url}` }).end()),
  );
  await expect(ground.mirrorOf({ url: `http://127.0.0.1:${port}${ground.path}` }).update(signal)).rejects.toThrow(
    /it redirects, and credentials do not follow; name the URL that it redirects to/,
  );
  expect(seen.filter((each) => each !== undefined)).toEqual([]);
});

test('a rotated credential is said while it is wrong, and the mirror goes on with the new one', async () => {
  await ground.mirrorOf().update(signal);
  await ground.repository.write({ 'team/a.yaml': 'two\n' });
  const next = await ground.repository.commit();
  const wrong = { user: 'bot', password: 'sesame-2' };
  await expect(ground.mirrorOf({ token: wrong }).update(signal)).rejects.toThrow(/it refuses the credentials/);
  ground.server.sent();
  expect((await ground.mirrorOf().update(signal)).commit).toBe(next);
  expect(ground.server.sent()).toBeLessThan(5_000);
});

test('of the tags that are versions the highest in the range is followed', async () => {
  const { repository } = ground;
  const commits = new Map<string, string>();
  for (const tag of ['v1.2.0', '1.10.0', 'v1.11.0-rc.1', 'v2.0.0', 'nightly', 'v1.9']) {
    commits.set(tag, await repository.commit(tag));
    await repository.git('tag', tag);
  }
  const follow = (semver: string) => ground.mirrorOf({ ref: { semver } }).update(signal);
  const author = 'Ada <ada@example.org>';
  expect(await follow('>=1.2 <2')).toEqual({ commit: commits.get('1.10.0'), author, tag: '1.10.0' });
  expect((await follow('*')).tag).toBe('v2.0.0');
  expect((await follow('^1.11.0-rc.0')).tag).toBe('v1.11.0-rc.1');
  await expect(follow('>=3')).rejects.toThrow(/semver ">=3": none of its 6 tags is a version in that range; push one/);
  await expect(follow('newest')).rejects.toThrow(/semver "newest": that is no range of versions; write one as/);
  commits.set('v1.12.0', await repository.commit('v1.12.0'));
  await repository.git('tag', '-a', 'v1.12.0', '-m', 'annotated');
  expect(await follow('1.x')).toEqual({ commit: commits.get('v1.12.0'), author, tag: 'v1.12.0' });
});

test('the author of a commit is told, whatever they call themselves', async () => {
  await ground.repository.git(
    'commit',
    '--quiet',
    '--allow-empty',
    '--author',
    'Ma\x07x \x1b[31mred <m@example.org>',
    '-m',
    'x',
  );
  expect((await ground.mirrorOf().update(signal)).author).toBe('Ma x  [31mred <m@example.org>');
});
