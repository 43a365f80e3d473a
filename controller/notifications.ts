import pg from 'pg';
import type { Logger } from 'pino';
import { type StepName, stepNames } from './steps/step.ts';

const channel = 'pipewright_wake';
/** Hints of one burst travel together; more than one step's worth of delay it must not add. */
const gatherMs = 20;
const longestWaitMs = 10_000;

export type Notifications = {
  /** Tells the other replicas, soon and together with others. Never throws, never waits. */
  notify(steps: readonly StepName[]): void;
  close(): Promise<void>;
};

/**
 * Carries the hints of `signals.ts` between replicas, through Postgres's LISTEN and NOTIFY, on a connection of its own. Hints that
 * come while it is lost are lost too: that costs time and nothing else, and on its return every step is woken once.
 */
export function createNotifications(options: {
  url: string;
  log: Logger;
  onWake: (step: StepName) => void;
}): Notifications {
  const { url, log, onWake } = options;
  const pending = new Set<StepName>();
  const stop = new AbortController();
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  function send(): void {
    timer = null;
    const steps = [...pending];
    pending.clear();
    client?.query('select pg_notify($1, $2)', [channel, steps.join(' ')]).catch(() => {});
  }

  function receive(from: number, listening: number | null, payload: string): void {
    // Postgres sends a notification to its sender too, whose own signals have woken the step already.
    if (from === listening) return;
    for (const word of payload.split(' ')) if (isStep(word)) onWake(word);
  }

  /** Listens until the connection ends. */
  async function listen(): Promise<void> {
    const one = new pg.Client({
      connectionString: url,
      application_name: 'pipewright signals',
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    const ended = new Promise<void>((resolve) => one.once('end', resolve));
    one.on('error', (error) => log.warn({ error: error.message }, 'the connection for signals was lost'));
    const end = () => void one.end().catch(() => {});
    stop.signal.addEventListener('abort', end);
    try {
      await one.connect();
      const { rows } = await one.query('select pg_backend_pid() as pid');
      one.on('notification', ({ processId, payload }) => receive(processId, rows[0].pid, payload ?? ''));
      await one.query(`listen ${channel}`);
      client = one;
      // What was said while nobody listened is not known; looking costs little.
      for (const step of stepNames) onWake(step);
      await ended;
    } finally {
      client = null;
      stop.signal.removeEventListener('abort', end);
      end();
    }
  }

  const running = keepUp(listen, { signal: stop.signal, log });
  return {
    notify(steps) {
      for (const step of steps) pending.add(step);
      if (pending.size > 0) timer ??= setTimeout(send, gatherMs);
    },
    async close() {
      if (timer) clearTimeout(timer);
      stop.abort();
      await running;
    },
  };
}

/** Runs `listen` again and again, with growing waits while it fails. */
async function keepUp(
  listen: () => Promise<void>,
  { signal, log }: { signal: AbortSignal; log: Logger },
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await listen();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      log.warn({ err: error, failures }, 'replicas cannot signal each other; it will be tried again');
    }
    if (signal.aborted) return;
    await pause(Math.min(longestWaitMs, 100 * 2 ** failures), signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, ms);
    function finish(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    }
    signal.addEventListener('abort', finish);
  });
}

/** Another version's replica may know other steps. */
function isStep(word: string): word is StepName {
  return (stepNames as readonly string[]).includes(word);
}
