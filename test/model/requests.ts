import fc from 'fast-check';
import type { RequestKind } from '../../controller/store/requests.ts';
import { command, pass } from './command.ts';
import { type Model, startAt } from './pipeline.ts';
import type { World } from './world.ts';

const hourMs = 3_600_000;
const at = (hour: number) => new Date(startAt + hour * hourMs).toISOString();

type Request = {
  readonly text: string;
  readonly kind: RequestKind;
  /** Null where there is nothing to ask for. */
  body(world: World): Promise<Record<string, unknown> | null>;
  /** The hour up to which windows may exist because of it. */
  readonly until?: number;
};

/** What a request leads to at once: nothing, its answer, the runs that follow from it, or that they begin. */
const further = fc.constantFrom(0, 1, 2, 2, 3);

function asking(requests: fc.Arbitrary<Request>) {
  return fc.tuple(requests, further).map(([{ text, kind, body, until = 0 }, far]) =>
    command(`${text} (${far})`, async (model: Model, world) => {
      const asked = await body(world);
      if (!asked) return;
      model.askedUntil = Math.max(model.askedUntil, startAt + until * hourMs);
      await world.submit(kind, asked);
      for (const step of (['intake', 'schedule', 'admit'] as const).slice(0, far)) await pass(model, world, 1, step);
    }),
  );
}

export const runs = asking(
  fc.integer({ min: -6, max: 5 }).map((hour) => ({
    text: `run hour ${hour}`,
    kind: 'run',
    body: async () => ({ pipeline: 'a', window: at(hour) }),
    until: hour + 2,
  })),
);

/** Cancelling prefers what is live, a rerun what is over. */
export const ofSomeRun = asking(
  fc.tuple(fc.constantFrom('rerun' as const, 'cancel' as const), fc.nat(9)).map(([kind, nth]) => ({
    text: `${kind} run ${nth}`,
    kind,
    async body(world) {
      const [run] = await world.query(
        `select name as run from runs order by (phase in ('Queued', 'Running')) = $2 desc, id
         offset $1 % greatest(1, (select count(*) from runs)) limit 1`,
        [nth, kind === 'cancel'],
      );
      return run ?? null;
    },
  })),
);

export const backfills = asking(
  fc
    .record({
      from: fc.integer({ min: -3, max: 1 }),
      hours: fc.integer({ min: 1, max: 4 }),
      rerun: fc.constantFrom('missing', 'failed', 'all', 'all'),
      order: fc.constantFrom('oldest', 'newest'),
      version: fc.constantFrom('head', 'original'),
      maxActiveRuns: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
    })
    .map(({ from, hours, ...more }) => ({
      text: `backfill ${from}h +${hours}h ${JSON.stringify(more)}`,
      kind: 'backfill',
      body: async () => ({ pipeline: 'a', from: at(from), to: at(from + hours), ...more }),
      until: from + hours,
    })),
);

const changes = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ cancel: true }) },
  { weight: 2, arbitrary: fc.constant({ retry: true }) },
  { weight: 4, arbitrary: fc.record({ suspended: fc.boolean() }) },
  fc.record({ maxActiveRuns: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ priority: fc.integer({ min: -200, max: 200 }) }),
);

export const backfillChanges = asking(
  fc.tuple(fc.nat(1), changes).map(([nth, change]) => ({
    text: `change backfill ${nth}: ${JSON.stringify(change)}`,
    kind: 'changeBackfill',
    async body(world) {
      const [one] = await world.query(
        'select name as backfill from backfills order by id desc offset $1 % greatest(1, (select count(*) from backfills)) limit 1',
        [nth],
      );
      return one ? { ...one, ...change } : null;
    },
  })),
);
