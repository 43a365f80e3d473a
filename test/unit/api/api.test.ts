import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../../controller/api/client.ts';
import { type ApiOptions, createApi } from '../../../controller/api/server.ts';
import { createReads } from '../../../controller/store/reads.ts';
import { createRequests, type RequestResult } from '../../../controller/store/requests.ts';
import { createHistory, type History } from '../../support/history.ts';

let history: History;
let api: ReturnType<typeof createApi>;
let url: string;
let ready = true;
let answer: ((body: Record<string, unknown>) => RequestResult) | null = null;
const logs = createLogs();

function parts(): ApiOptions {
  return {
    reads: createReads({ pool: history.pool }),
    requests: createRequests({ pool: history.pool }),
    logs: logs.open,
    health: async () => (ready ? { ready, reasons: [] } : { ready, reasons: ['Postgres does not answer'] }),
    wake: () => void intake(),
    log: pino({ level: 'silent' }),
  };
}

/** What the step `intake` does, with the answer of the test. */
async function intake(): Promise<void> {
  const { rows } = await history.pool.query('select id, body from requests where handled_at is null');
  for (const { id, body } of rows) {
    if (answer)
      await history.pool.query('update requests set handled_at = now(), result = $2 where id = $1', [id, answer(body)]);
  }
}

/** A log that the test writes while it is read. */
function createLogs() {
  const followers = new Set<AbortSignal>();
  return {
    followers,
    open: async (run: string, { follow, signal }: { follow: boolean; signal: AbortSignal }) => {
      if (run === 'unheard') return null;
      return (async function* () {
        yield '[a#1] first\n';
        followers.add(signal);
        while (follow && run !== 'settled') {
          if (signal.aborted) return;
          await sleep(5);
        }
        yield '[a#1] last\n';
      })();
    },
  };
}

type Asked = { method?: string; headers?: Record<string, string>; body?: string };

/** A bare request: `fetch` sets the headers that are tested here by itself. */
function ask(
  path: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<{ status: number; type: string; json: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(new URL(path, url), { method, headers }, async (response) => {
      const text = (await response.toArray()).join('');
      const type = response.headers['content-type'] ?? '';
      resolve({ status: response.statusCode ?? 0, type, json: type.includes('json') ? JSON.parse(text) : text });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const month = { start: '2019-01-01T00:00:00.000Z', end: '2019-02-01T00:00:00.000Z', label: '2019-01' };

beforeAll(async () => {
  history = await createHistory();
  const taxi = await history.pipeline('taxi');
  await history.window(taxi, month, await history.run(taxi, { window: month }));
  api = createApi(parts());
  url = await api.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api.close();
  await history.close();
});

describe('reading', () => {
  test('tells that it lives, and whether it is ready', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, json: { ok: true } });
    expect(await ask('/readyz')).toMatchObject({ status: 200, json: { ready: true } });
    ready = false;
    expect(await ask('/readyz')).toMatchObject({
      status: 503,
      json: { ready: false, reasons: ['Postgres does not answer'] },
    });
    ready = true;
  });

  test('gives pipelines, runs, a run and windows through the client', async () => {
    const client = createClient({ server: url });
    expect((await client.pipelines()).pipelines).toMatchObject([{ name: 'taxi', schedule: 'every month' }]);
    expect((await client.runs({ pipeline: 'taxi', phase: 'Succeeded', limit: 1 })).runs).toMatchObject([
      { name: 'taxi-2019-01', window: { start: month.start } },
    ]);
    expect((await client.runs({ phase: 'Failed' })).runs).toEqual([]);
    expect(await client.run('taxi-2019-01')).toMatchObject({ version: 'digest of taxi', tasks: [] });
    expect((await client.windows('taxi')).windows).toMatchObject([{ label: '2019-01', run: 'taxi-2019-01' }]);
  });

  test('answers what is not there with 404 and a sentence, also for paths it does not know', async () => {
    for (const path of [
      '/api/v1/runs/nothing',
      '/api/v1/pipelines/nothing/windows',
      '/api/v1/runs?pipeline=nothing',
      '/api/v1/runs/unheard/logs',
      '/nothing',
    ]) {
      expect(await ask(path)).toMatchObject({
        status: 404,
        json: { error: expect.stringMatching(/^there is no /), code: expect.any(String) },
      });
    }
  });

  test('refuses a query that it does not know or cannot read', async () => {
    for (const query of ['limit=0', 'limit=1001', 'limit=ten', 'phase=Done', 'sort=name', 'before=yesterday']) {
      const { status, json } = await ask(`/api/v1/runs?${query}`);
      expect([status, json]).toEqual([400, { error: expect.any(String), code: expect.stringMatching(/^bad-/) }]);
    }
  });
});

describe('the log of a run', () => {
  test('is plain text to its end', async () => {
    expect(await ask('/api/v1/runs/some/logs')).toEqual({
      status: 200,
      type: 'text/plain; charset=utf-8',
      json: '[a#1] first\n[a#1] last\n',
    });
  });

  test('comes line by line through the client, and a followed one ends with its run', async () => {
    const lines = await Array.fromAsync(createClient({ server: url }).logs('settled', { follow: true }));
    expect(lines).toEqual(['[a#1] first', '[a#1] last']);
  });

  test('is no longer read when the client leaves', async () => {
    logs.followers.clear();
    for await (const line of createClient({ server: url }).logs('endless', { follow: true })) {
      expect(line).toBe('[a#1] first');
      break;
    }
    const [signal] = logs.followers;
    if (!signal!.aborted) await once(signal!, 'abort');
  });
});

describe('asking for a run, a rerun or a cancellation', () => {
  test('keeps the request with who asked, and gives the answer of `intake`', async () => {
    answer = () => ({ run: 'taxi-2019-01-2' });
    const client = createClient({ server: url, actor: 'cli:ann' });
    expect(await client.startRun({ pipeline: 'taxi', window: '2019-01', variables: { n: 1 } })).toEqual({
      run: 'taxi-2019-01-2',
    });
    expect(await client.rerun('taxi-2019-01')).toEqual({ run: 'taxi-2019-01-2' });
    expect(await client.cancel('taxi-2019-01')).toEqual({ run: 'taxi-2019-01-2' });
    const { rows } = await history.pool.query('select kind, body, actor from requests order by id');
    expect(rows).toEqual([
      { kind: 'run', body: { pipeline: 'taxi', window: '2019-01', variables: { n: 1 } }, actor: 'cli:ann' },
      { kind: 'rerun', body: { run: 'taxi-2019-01' }, actor: 'cli:ann' },
      { kind: 'cancel', body: { run: 'taxi-2019-01' }, actor: 'cli:ann' },
    ]);
  });

  test('answers with 201 for a new run and 200 for a cancelled one, and takes an empty body', async () => {
    answer = () => ({ run: 'x' });
    expect(await ask('/api/v1/runs/x/rerun', { method: 'POST', headers: json })).toMatchObject({ status: 201 });
    expect(await ask('/api/v1/runs/x/cancel', { method: 'POST', headers: json, body: '{}' })).toMatchObject({
      status: 200,
    });
  });

  test('gives a refusal its sentence, its code and a fitting status', async () => {
    const statuses = { 'unknown-run': 404, live: 409, 'bad-window': 400 };
    for (const [code, status] of Object.entries(statuses)) {
      answer = () => ({ error: 'no, because', code });
      const failed = createClient({ server: url }).rerun('x');
      await expect(failed).rejects.toMatchObject({ name: 'ApiFailure', message: 'no, because', code, status });
    }
  });

  test('refuses a body that is not a RunRequest', async () => {
    for (const body of [
      '{}',
      '{"pipeline":1}',
      '{"pipeline":"a","when":"now"}',
      '{"pipeline":"a","variables":{"x":{}}}',
      '[]',
      'nonsense',
    ]) {
      const { status, json: answered } = await ask('/api/v1/runs', { method: 'POST', headers: json, body });
      expect([body, status, answered]).toEqual([
        body,
        400,
        { error: expect.stringMatching(/^the request is not valid/), code: 'bad-request' },
      ]);
    }
  });

  test('ends with the controller: a request that waits is answered when it closes', async () => {
    answer = null;
    const other = createApi(parts());
    const waiting = createClient({ server: await other.listen({ host: '127.0.0.1', port: 0 }) }).rerun('x');
    const failed = expect(waiting).rejects.toMatchObject({ name: 'ApiFailure', status: 503, code: 'stopping' });
    await expect
      .poll(async () => (await history.pool.query('select from requests where handled_at is null')).rowCount)
      .toBe(1);
    await other.close();
    await failed;
  });
});

describe('a web page', () => {
  test('that has pointed its own name at this machine is refused', async () => {
    for (const host of ['evil.example', 'evil.example:6789', '127.0.0.1.evil.example']) {
      expect(await ask('/api/v1/runs', { headers: { host } })).toMatchObject({
        status: 403,
        json: { code: 'bad-host' },
      });
    }
    const port = new URL(url).port;
    for (const host of ['localhost', `localhost:${port}`, `[::1]:${port}`, 'LOCALHOST']) {
      expect(await ask('/healthz', { headers: { host } })).toMatchObject({ status: 200 });
    }
  });

  test('of another origin is refused, also on another port of this machine', async () => {
    for (const origin of ['https://evil.example', 'http://127.0.0.1:1', 'null']) {
      expect(await ask('/api/v1/runs', { headers: { origin } })).toMatchObject({
        status: 403,
        json: { code: 'bad-origin' },
      });
    }
    expect(await ask('/api/v1/runs', { headers: { origin: url } })).toMatchObject({ status: 200 });
  });

  test('cannot post a form', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
      const headers: Record<string, string> = type ? { 'content-type': type } : {};
      expect(await ask('/api/v1/runs', { method: 'POST', headers, body: '{"pipeline":"taxi"}' })).toMatchObject({
        status: 415,
        json: { code: 'bad-media-type' },
      });
      expect(await ask('/api/v1/runs/x/rerun', { method: 'POST', headers })).toMatchObject({ status: 415 });
    }
  });
});

describe('the server', () => {
  test('says in one sentence that its port is taken', async () => {
    const port = Number(new URL(url).port);
    await expect(createApi(parts()).listen({ host: '127.0.0.1', port })).rejects.toThrow(
      `port ${port} of 127.0.0.1 is taken by another program; stop it, or choose another port with --port`,
    );
  });

  test('tells nothing of the inside of an error that nobody foresaw', async () => {
    const broken = createApi({ ...parts(), health: () => Promise.reject(new Error('password of the database')) });
    const server = await broken.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(`${server}/readyz`);
    expect([response.status, await response.json()]).toEqual([
      500,
      { error: 'the controller failed to answer; its log says why', code: 'internal' },
    ]);
    await broken.close();
  });

  test('cuts a followed log when it closes, and the client says so', async () => {
    const other = createApi(parts());
    const client = createClient({ server: await other.listen({ host: '127.0.0.1', port: 0 }) });
    const lines = client.logs('endless', { follow: true });
    expect((await lines.next()).value).toBe('[a#1] first');
    await other.close();
    expect(
      await lines.next().then(
        (result) => (result.done ? 'ended' : result.value),
        (error) => error.code,
      ),
    ).toBe('broken-stream');
  });
});

describe('the client', () => {
  test('says how to go on when no controller answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    await expect(createClient({ server: `http://127.0.0.1:${port}` }).pipelines()).rejects.toThrow(
      `no controller answers at http://127.0.0.1:${port}; start one with \`pipewright start\`, or name another with --server`,
    );
  });

  test('says so when something else answers', async () => {
    for (const status of [200, 404]) {
      const server = createServer((_request, response) => response.writeHead(status).end('<html>')).listen(
        0,
        '127.0.0.1',
      );
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      await expect(createClient({ server: `http://127.0.0.1:${port}` }).pipelines()).rejects.toThrow(
        /is not a Pipewright controller; name the controller with --server$/,
      );
      server.close();
    }
  });

  test('refuses an address that is no URL', () => {
    for (const server of ['127.0.0.1:6789', 'ftp://x', ''])
      expect(() => createClient({ server })).toThrow(/is not the URL of a controller/);
  });
});
