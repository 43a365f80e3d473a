import { backfillSpec, rerun } from './backfills.ts';
import { duration, list, map, object, objectName, priority, ref, type Schema, scalar, templated } from './common.ts';
import { podFields } from './pods.ts';

const apiVersion: Schema = {
  type: 'string',
  const: 'pipewright.dev/v1alpha1',
  description: 'The version of this form.',
};

const metadata = object(
  'Who this is.',
  {
    name: objectName,
    labels: map('Free labels.', { type: 'string', description: 'The label’s value.' }),
    annotations: map('Free annotations.', { type: 'string', description: 'The annotation’s value.' }),
  },
  ['name'],
);

function manifest(kind: string, description: string, spec: Schema): Schema {
  return object(
    description,
    { apiVersion, kind: { type: 'string', const: kind, description: 'The kind of this manifest.' }, metadata, spec },
    ['apiVersion', 'kind', 'metadata', 'spec'],
  );
}

const day: Schema = {
  type: 'string',
  description:
    'A date (`2019-01-01`), a local date and time (`2019-01-01T06:00`) in the schedule’s zone, or an RFC 3339 instant.',
};

const catchUp = object(
  'Which windows run that were missed, and how many at once. All but `mode` are for `all`.',
  {
    mode: {
      type: 'string',
      description: 'Which missed windows run, as the word alone says it.',
      enum: ['none', 'latest', 'all'],
    },
    maxWindows: {
      type: 'integer',
      description: 'Of the windows that were missed at once only so many run, the newest.',
      minimum: 1,
      maximum: 10_000,
    },
    rate: {
      type: 'string',
      description: 'How many are queued at most: `6 per minute`, `20 per hour`.',
      pattern: '^[1-9][0-9]{0,3} per (minute|hour)$',
    },
    order: {
      type: 'string',
      description: 'Which of them run first: the `oldest` (default) or the `newest`.',
      enum: ['oldest', 'newest'],
    },
  },
  ['mode'],
);

const schedule = object('When windows close and runs become due. Exactly one of `every` and `cron`.', {
  every: {
    type: 'string',
    description:
      'The length of a window: `minute`, `hour`, `day`, `week`, `month`, `quarter`, `year`, or a multiple, as in `15 minutes`.',
  },
  cron: {
    description: 'Five cron fields or `@daily` and its like, or a list of them; a window lies between two ticks.',
    anyOf: [
      { type: 'string' },
      { type: 'array', items: { type: 'string', description: 'A cron text.' }, minItems: 1, maxItems: 100 },
    ],
  },
  blackoutDates: list(
    'For `cron`: local dates on which nothing ticks; the window goes on over them.',
    { type: 'string', description: 'A date, as `2026-12-25`.' },
    { maxItems: 1000 },
  ),
  dst: object('For `cron` with fixed times of the day: what happens to those that a change of the clocks hits.', {
    gap: {
      type: 'string',
      description:
        'A time that clocks leave out: `shift` (default) ticks at the first instant after the gap, `skip` does not.',
      enum: ['shift', 'skip'],
    },
    overlap: {
      type: 'string',
      description: 'A time that clocks show twice: ticks the `first` time (default), the `second`, or `both`.',
      enum: ['first', 'second', 'both'],
    },
  }),
  timeZone: { type: 'string', description: 'An IANA time zone; UTC by default.' },
  startAt: { ...day, description: 'The first window begins at or after it; the first sync by default.' },
  endAt: { ...day, description: 'No window crosses it.' },
  delay: { ...duration, description: 'A window is due this long after it closed; 0s by default.' },
  jitter: {
    ...duration,
    description: 'Adds a fixed part of this to `delay`, another one for each pipeline, so that not all begin at once.',
  },
  deadline: { ...duration, description: 'A window is late when it has not succeeded this long after it was due.' },
  catchUp: {
    description:
      'Windows that were missed: `all` runs them, `latest` (default) only the newest, `none` none. As a map, `all` with limits: `{ mode: all, maxWindows: 100, rate: 6 per minute, order: newest }`.',
    anyOf: [{ type: 'string', enum: ['none', 'latest', 'all'] }, catchUp],
  },
});

const pipelineSpec = object(
  'The pipeline.',
  {
    description: { type: 'string', description: 'What the pipeline is for.' },
    schedule: ref('Schedule'),
    suspend: {
      type: 'boolean',
      description:
        'True stops the schedule; running runs go on. Where it is left out, `spec.suspend` of the Pipeline in the cluster may be set with kubectl.',
    },
    maxActiveRuns: {
      type: 'integer',
      description: 'How many runs of this pipeline may run at once; 1 by default.',
      minimum: 1,
      maximum: 1000,
    },
    whenBusy: {
      type: 'string',
      description:
        'What becomes of a due window when `maxActiveRuns` runs are running already: `queue` (default) lets it wait, `skip` skips it, `replace` cancels the oldest run that the schedule made, unless that is finishing.',
      enum: ['queue', 'skip', 'replace'],
    },
    priority: {
      ...priority,
      description: 'Of its runs, when they wait for what others have: higher ones go first; 0 by default.',
    },
    pool: { ...objectName, description: 'A Pool: each of its runs takes a slot from its admission to its end.' },
    retry: ref('Retry'),
    timeout: { ...duration, description: 'The longest a run may take from its start.' },
    ...podFields.ofPipeline,
    variables: map('Names for expressions; `run --var` overrides them.', ref('Parameter')),
    blocks: list('The steps.', ref('PipelineBlock'), { minItems: 1, maxItems: 500 }),
  },
  ['blocks'],
);

const overlaySpec = object('What is otherwise in the environment.', {
  variables: map(
    'Variables of the pipeline, by name.',
    object(
      'What the environment changes of a variable.',
      { default: { ...scalar, description: 'Its value where none is given for a run.' } },
      ['default'],
    ),
  ),
});

const secretKeyRef = object(
  'A secret that is looked up where the task runs.',
  {
    secretKeyRef: object(
      'Which secret.',
      {
        name: { ...objectName, description: 'The secret’s name.' },
        key: { type: 'string', description: 'The key in it.', pattern: '^[-._a-zA-Z0-9]+$' },
      },
      ['name', 'key'],
    ),
  },
  ['secretKeyRef'],
);

function secret(description: string): Schema {
  return {
    description: `${description} A \`secretKeyRef\`, or \`{{ env_var('NAME') }}\`; never clear text.`,
    'x-templated': true,
    'x-secret': true,
    anyOf: [secretKeyRef, { type: 'string' }],
  };
}

const connectionSpec = object('Exactly one system.', {
  postgres: object(
    'A Postgres database.',
    {
      host: templated({ type: 'string', description: 'Host name or address.' }),
      port: templated({ type: 'integer', description: 'Port; 5432 by default.', minimum: 1, maximum: 65535 }),
      database: templated({ type: 'string', description: 'Database name.' }),
      user: templated({ type: 'string', description: 'Role name.' }),
      password: secret('The role’s password.'),
      tls: {
        type: 'string',
        description:
          '`disable` (default), `require` (encrypted, certificate not verified) or `verify` (certificate verified).',
        enum: ['disable', 'require', 'verify'],
      },
    },
    ['host', 'database', 'user'],
  ),
  http: object(
    'An HTTP server.',
    {
      url: templated({ type: 'string', description: 'The base URL that `load.http.url` continues.' }),
      headers: map('Headers sent with every request to it.', secret('The header’s value.')),
    },
    ['url'],
  ),
});

const poolSpec = object(
  'The pool.',
  {
    slots: {
      type: 'integer',
      description: 'How many runs and attempts of tasks may hold a slot at once; 0 lets nothing begin.',
      minimum: 0,
      maximum: 100_000,
    },
    description: { type: 'string', description: 'What the slots stand for.' },
  },
  ['slots'],
);

export const manifests: Record<string, Schema> = {
  Pipeline: manifest('Pipeline', 'A named graph of blocks with a schedule, variables and limits.', ref('PipelineSpec')),
  Block: manifest('Block', 'A reusable step with typed parameters.', ref('BlockSpec')),
  Connection: manifest(
    'Connection',
    'A named profile of a system that pipelines read and write.',
    ref('ConnectionSpec'),
  ),
  Backfill: manifest(
    'Backfill',
    'Asks for the windows of a range. It runs once; a changed one is another backfill, and one that is taken out ends.',
    ref('BackfillSpec'),
  ),
  Pool: manifest('Pool', 'A named number of slots that pipelines and blocks of its source share.', ref('PoolSpec')),
};

/** `env_var('NAME')` and `env_var('NAME', 'default')` are names in Connections only. */
export const parts: Record<string, Schema> = {
  Schedule: schedule,
  ConnectionSpec: connectionSpec,
  PoolSpec: poolSpec,
  BackfillSpec: backfillSpec,
  Rerun: rerun,
  PipelineSpec: pipelineSpec,
  PipelineOverlay: manifest(
    'Pipeline',
    'What an environment changes of a Pipeline: a manifest of the same name below `environments/NAME/`.',
    overlaySpec,
  ),
};
