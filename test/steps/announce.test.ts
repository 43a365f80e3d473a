import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Given } from '../../controller/git/sources.ts';
import { createSources } from '../../controller/git/sources.ts';
import { onProcesses } from '../../controller/manifests/place.ts';
import { createAnnounce } from '../../controller/steps/announce.ts';
import { migrate } from '../../controller/store/migrate.ts';
import { createPool } from '../../controller/store/pool.ts';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { startForgeServer } from '../support/forge-server.ts';
import { manifest } from '../support/ledger.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestRepository, type TestRepository } from '../support/repository.ts';
import { createTestSync } from '../support/sync.ts';

type ForgeServer = Awaited<ReturnType<typeof startForgeServer>>;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: pg.Pool;
let repository: TestRepository;
let home: string;
let forge: ForgeServer;
/** What the forge answers; null is nothing. */
let answer: { status: number; body?: unknown } | null;
/** What happens while it is being asked. */
let onCall: () => Promise<void>;
let lines: Record<string, unknown>[];
let password: string;
const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });

beforeEach(async () => {
  [answer, onCall, lines, password] = [{ status: 201, body: {} }, async () => {}, [], 'the-token'];
  database = await createTestDatabase();
  await migrate({ url: database.url, log: pino({ level: 'silent' }) });
  pool = createPool({ url: database.url, log });
  repository = await createTestRepository();
  home = await mkdtemp(join(tmpdir(), 'pipewright-home-'));
  forge = await startForgeServer(async () => {
    await onCall();
    return answer;
  });
  await repository.write({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
});
afterEach(async () => {
  await forge.stop();
  await pool.end();
  await database.drop();
  await repository.remove();
  await rm(home, { recursive: true, force: true });
});

/** A source whose repository lies here, and whose forge is the test's. */
function given(name = 'team-a', apiUrl = forge.url, more: GitSpec = {}): Given {
  const status = { provider: 'gitea' as const, apiUrl };
  const git = { url: `file://${repository.dir}`, secretRef: { name: 'forge' }, status, ...more };
  const secret = { password, allowed_signers: 'ada@example.org namespaces="git" ssh-ed25519 AAAA' };
  return {
    declaration: { name, spec: { git }, everyMs: 60_000 },
    secrets: { read: async () => new Map(Object.entries(secret)) },
  };
}

type GitSpec = Partial<NonNullable<Given['declaration']['spec']['git']>>;

const failpoint: Failpoint = () => {};
const parts = () => ({ pool, log, wake: () => {}, failpoint, place: onProcesses, home });
const signal = new AbortController().signal;

async function sync(...sources: Given[]): Promise<void> {
  await createTestSync({ ...parts(), given: sources }).pass(signal);
}

function announcer(sources: Given[], own: { failpoint?: Failpoint } = {}) {
  const known = createSources({ home, given: sources, onHint: () => {}, signal });
  return createAnnounce({ ...parts(), ...own, sources: known.current });
}

async function announce(...sources: Given[]): Promise<void> {
  const step = announcer(sources);
  await step.pass(signal);
  await step.finish?.();
}

const told = () => forge.calls.map(({ body }) => body);
const waitOver = () => pool.query(`update commit_statuses set due_at = now() where due_at is not null`);
const open = async () => (await pool.query('select tries from commit_statuses where due_at is not null')).rows;
const warnings = () => lines.flatMap(({ level, msg }) => (Number(level) >= 40 ? [String(msg)] : []));

describe('a commit that was synced', () => {
  it('is told to the forge with how many pipelines there are and what changed', async () => {
    const first = await repository.commit();
    await sync(given());
    await announce(given());
    await repository.write({ 'a.yaml': manifest('a').replace('n: 1', 'n: 2') });
    await repository.git('rm', '--quiet', 'b.yaml');
    await repository.commit();
    await sync(given());
    await announce(given());
    expect(told()).toEqual([
      { state: 'success', context: 'pipewright/team-a', description: '2 pipelines, 2 changed' },
      { state: 'success', context: 'pipewright/team-a', description: '1 pipeline, 1 changed, 1 retired' },
    ]);
    expect(forge.calls[0]?.path.endsWith(`/statuses/${first}`)).toBe(true);
    expect(await open()).toEqual([]);
  });

  it('with problems is told as failed, with the place of the first, in no more than the forge takes', async () => {
    await repository.write({ 'a.yaml': manifest('a', `${'x'.repeat(200)}: 1\n`), 'b.yaml': 'kind: [' });
    await repository.commit();
    await sync(given());
    await announce(given());
    const [status] = told() as { state: string; description: string }[];
    expect(status?.state).toBe('failure');
    expect(status?.description).toMatch(/^\d+ problems: a\.yaml:\d+: .*…$/);
    expect(status?.description).toHaveLength(140);
  });

  it('is told once, however often it is synced and by whomever', async () => {
    await repository.commit();
    await sync(given());
    await announce(given());
    await sync(given());
    await announce(given());
    expect(told()).toHaveLength(1);
  });

  it('that changes no manifest is told as what stands', async () => {
    await repository.write({ 'a.yaml': manifest('a').replace('blocks', 'blokcs') });
    await repository.commit();
    const step = createTestSync({ ...parts(), given: [given()] });
    await step.pass(signal);
    await announce(given());
    const second = await repository.commit('nothing');
    await step.pass(signal);
    await announce(given());
    const [one, two] = told();
    expect(two).toEqual(one);
    expect(forge.calls[1]?.path.endsWith(`/statuses/${second}`)).toBe(true);
  });

  it('that is refused for its signature is told as failed, with the reason', async () => {
    const commit = await repository.commit();
    const signed = given('team-a', forge.url, { verify: { mode: 'commit', signersRef: { name: 'signers' } } });
    await sync(signed);
    await announce(signed);
    expect(told()).toMatchObject([
      { state: 'failure', description: expect.stringMatching(`^commit ${commit.slice(0, 12)} bears no signature`) },
    ]);
  });

  it('of two sources is told by each under its own name', async () => {
    await repository.commit();
    await sync(given('one'));
    await sync(given('one'), given('two'));
    await announce(given('one'), given('two'));
    const contexts = (told() as { context: string; state: string }[]).map(({ context, state }) => [context, state]);
    expect(contexts.sort()).toEqual([
      ['pipewright/one', 'success'],
      ['pipewright/two', 'failure'],
    ]);
  });

  it('of a source without a forge leaves nothing behind', async () => {
    await repository.commit();
    const { declaration, secrets } = given();
    const { status: _, ...git } = declaration.spec.git ?? { url: '' };
    await sync({ declaration: { ...declaration, spec: { git } }, secrets });
    expect((await pool.query('select from commit_statuses')).rowCount).toBe(0);
  });
});

describe('a status', () => {
  beforeEach(async () => {
    await repository.commit();
    await sync(given());
  });

  it('that the forge could not take is tried again after a growing wait, and said once', async () => {
    answer = { status: 503 };
    await announce(given());
    await announce(given());
    expect(told()).toHaveLength(1);
    await waitOver();
    await announce(given());
    expect(await open()).toEqual([{ tries: 2 }]);
    const { rows } = await pool.query(`select due_at - now() > interval '50 s' as later from commit_statuses`);
    expect(rows).toEqual([{ later: true }]);
    expect(warnings()).toEqual([expect.stringMatching(/it will be tried again: .*answered 503; try again later/)]);
    answer = { status: 201, body: {} };
    await waitOver();
    await announce(given());
    expect(await open()).toEqual([]);
  });

  it('is sent with the credential as it is at that moment', async () => {
    password = 'rotated';
    await announce(given());
    expect(forge.calls[0]?.headers.authorization).toBe('token rotated');
  });

  it('that the forge refuses is said once and given up', async () => {
    answer = { status: 404, body: { message: 'no such repository' } };
    await announce(given());
    await waitOver();
    await announce(given());
    expect(told()).toHaveLength(1);
    expect(warnings()).toEqual([expect.stringMatching(/refused and is given up: .*404 \(no such repository\)/)]);
    expect(JSON.stringify(lines)).not.toContain('the-token');
  });

  it('that could not be told for a day is given up', async () => {
    answer = { status: 503 };
    await pool.query(`update commit_statuses set created_at = now() - interval '25 h'`);
    await announce(given());
    expect(await open()).toEqual([]);
    expect(warnings()).toEqual([expect.stringMatching(/could not be told for a day and is given up/)]);
  });

  it('of a forge that hangs holds up neither the sync nor another forge', async () => {
    answer = null;
    const other = await startForgeServer();
    await sync(given(), given('team-b', other.url));
    const step = announcer([given(), given('team-b', other.url)]);
    await step.pass(signal);
    expect(other.calls).toHaveLength(1);
    expect(await open()).toEqual([{ tries: 1 }]);
    answer = { status: 201, body: {} };
    await forge.stop();
    await step.finish?.();
    forge = await startForgeServer(() => answer);
    await other.stop();
  });

  it('that changes while it is being sent is sent again', async () => {
    onCall = async () => {
      await pool.query(`update commit_statuses set state = 'failure', description = 'new', tries = 0`);
    };
    await announce(given());
    expect(await open()).toHaveLength(1);
  });

  it.each(['announce.before-effect', 'announce.after-effect'] as const)(
    'is told after all by the next controller when the first was killed at %s',
    async (name) => {
      const step = announcer([given()], {
        failpoint: (at) => {
          if (at === name) throw new Error('killed');
        },
      });
      await expect(step.pass(signal)).rejects.toThrow('killed');
      expect(await open()).toHaveLength(1);
      await waitOver();
      await announce(given());
      expect(await open()).toEqual([]);
      expect(told().length).toBeGreaterThan(0);
    },
  );

  it('is left to a replica that knows its source', async () => {
    await announce(given('team-b'));
    expect(told()).toEqual([]);
    await announce(given());
    expect(told()).toHaveLength(1);
  });
});
