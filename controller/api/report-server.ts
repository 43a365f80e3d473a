import { timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import type { TaskReport } from '../../schemas/generated/types.ts';
import { addHealthRoutes, createApp, type Health, listen } from './app.ts';
import { ApiProblem } from './errors.ts';

/** `saved` also for the same report once more; `settled`: the attempt has another one, or has ended; `unknown`: no such attempt. */
export type Saved = 'saved' | 'settled' | 'unknown';

export type ReportApiOptions = {
  /** What the runner of an attempt must show. */
  readonly token: (attemptId: string) => string;
  readonly save: (attemptId: string, report: TaskReport) => Promise<Saved>;
  readonly health: Health;
  /** Tells `observe` that there is a report. */
  readonly wake: () => void;
  readonly log: Logger;
};

/**
 * Where runners in a cluster leave their reports, and where probes look: the only port that others reach. See
 * docs/designs/report-token.md.
 */
export function createReportApi(options: ReportApiOptions) {
  const { save, token, wake } = options;
  // During an upgrade runners of the next version report here too: what they say more is no reason to lose the rest.
  const app = createApp(options.log, { dropsUnknown: true });
  addHealthRoutes(app, options.health);
  app.post<{ Params: { attempt: string }; Body: TaskReport }>(
    '/api/v1/attempts/:attempt/report',
    {
      // Before the body is read: whoever has no token shall not make us read a megabyte.
      onRequest: async ({ params, headers }) => {
        if (isToken(headers.authorization, token(params.attempt))) return;
        throw new ApiProblem(401, 'bad-token', 'the token is not that of this attempt; only its runner may report');
      },
      schema: { body: { $ref: 'contracts#/$defs/TaskReport' } },
    },
    async ({ params, body }, reply) => {
      if (body.attemptId !== params.attempt)
        throw new ApiProblem(
          400,
          'bad-request',
          `the report is of attempt "${body.attemptId}", the path names another`,
        );
      const saved = await save(params.attempt, body);
      if (saved === 'unknown') throw new ApiProblem(404, 'unknown-attempt', `there is no attempt "${params.attempt}"`);
      if (saved === 'settled')
        throw new ApiProblem(409, 'settled', `attempt "${params.attempt}" is settled; its first report counts`);
      wake();
      return reply.status(204).send();
    },
  );
  return {
    listen: (address: { host: string; port: number }) => listen(app, address),
    close: () => app.close(),
  };
}

function isToken(authorization: string | undefined, expected: string): boolean {
  const given = Buffer.from(authorization ?? '');
  const wanted = Buffer.from(`Bearer ${expected}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
