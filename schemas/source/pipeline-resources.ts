import { blockName, duration, list, object, objectName, priority, type Schema } from './common.ts';
import {
  boundedText,
  conditions,
  count,
  observedGeneration,
  past,
  type Resource,
  text,
  withRules,
} from './resource-parts.ts';
import { sourceSpec } from './sources.ts';

const ready = '.status.conditions[?(@.type=="Ready")]';

const problem = object(
  'Something in a manifest that a person must mend.',
  {
    file: text('Path in the source.'),
    line: count('Line, from 1.'),
    column: count('Column, from 1.'),
    code: text('Machine-readable, such as `unknown-field`.'),
    message: text('The subject, the fact, the way out.'),
    pipeline: text('The pipeline that it stops, where known.'),
    revision: text('The revision in which it was first seen, its first twelve digits.'),
    author: text('Who made that commit, `Name <mail>`.'),
  },
  ['file', 'line', 'column', 'code', 'message'],
);

export const pipelineSource: Resource = {
  description: 'A Git repository or a folder with manifests, which the controller keeps in step with its catalog.',
  columns: [
    { name: 'Revision', path: '.status.revision', description: 'The revision that was read last.' },
    { name: 'Pipelines', path: '.status.pipelines', type: 'integer', description: 'How many pipelines come from it.' },
    { name: 'Problems', path: '.status.problemCount', type: 'integer', description: 'How many problems it has.' },
    { name: 'Synced', path: '.status.syncedAt', type: 'date', description: 'How long ago it was read.' },
    { name: 'Ready', path: `${ready}.status`, description: 'Whether the last sync found no problem.' },
    { name: 'URL', path: '.spec.git.url', wide: true, description: 'The repository.' },
    { name: 'Author', path: '.status.author', wide: true, description: 'Who made the revision.' },
    { name: 'Folder', path: '.spec.folder.path', wide: true, description: 'The folder.' },
    { name: 'Message', path: `${ready}.message`, wide: true, description: 'Why it is ready or not.' },
  ],
  spec: sourceSpec,
  status: object('What the last sync found.', {
    revision: text('The first twelve digits of the commit, or of the digest of the folder’s content.'),
    author: text('Who made that commit, `Name <mail>`.'),
    syncedAt: past('When it was read last.'),
    pipelines: count('How many pipelines come from it.'),
    problemCount: count('How many problems its manifests have.'),
    problems: list('The first of them; `pipewright pipelines` lists all.', problem),
    conditions,
    observedGeneration,
  }),
};

const day: Schema = boundedText('An instant, RFC 3339 in UTC.', 64);

const schedule = withRules(
  object(
    'When windows close and runs become due. Exactly one of `every` and `cron`.',
    {
      every: boundedText('The length of a window, such as `month` or `15 minutes`.', 32),
      cron: list('Texts of five cron fields; a window lies between two ticks.', boundedText('Five fields.', 1024), {
        maxItems: 100,
      }),
      timeZone: boundedText('An IANA time zone.', 64),
      startAt: { ...day, description: 'The first window begins at or after it: an instant, RFC 3339 in UTC.' },
      endAt: { ...day, description: 'No window crosses it: an instant, RFC 3339 in UTC.' },
      delay: { ...duration, description: 'A window is due this long after it closed.', maxLength: 32 },
      deadline: { ...duration, description: 'A window is late this long after it was due.', maxLength: 32 },
      catchUp: { type: 'string', description: 'Which missed windows run.', enum: ['none', 'latest', 'all'] },
      catchUpLimits: object('With `all`: how many of them run, and how many at once.', {
        maxWindows: {
          type: 'integer',
          description: 'Of those missed at once, the newest.',
          minimum: 1,
          maximum: 10_000,
        },
        rate: boundedText('How many are queued at most, such as `6 per minute`.', 32),
        order: { type: 'string', description: 'Absent: the oldest first.', enum: ['newest'] },
      }),
    },
    ['timeZone'],
  ),
  [{ rule: 'has(self.every) != has(self.cron)', message: 'give exactly one of every and cron' }],
);

const block = object(
  'A step.',
  {
    name: blockName,
    kind: boundedText('What it does: `load.http`, `transform.sql`, `export.postgres`, …', 64),
    task: { ...blockName, description: 'The task that it is executed in, together with what is fused with it.' },
    from: list('Blocks whose rows it reads.', blockName, { 'x-kubernetes-list-type': 'set', maxItems: 500 }),
    needs: list('Blocks that must have succeeded first.', blockName, {
      'x-kubernetes-list-type': 'set',
      maxItems: 500,
    }),
  },
  ['name', 'kind'],
);

export const pipeline: Resource = {
  description:
    'A pipeline as the controller has compiled it: schedule, policies, graph, digests. It is written by a sync and changed in its source; only `spec.suspend` is for kubectl.',
  columns: [
    { name: 'Schedule', path: '.status.schedule', description: 'Its schedule, for reading.' },
    { name: 'Last Window', path: '.status.lastRun.window', description: 'The window of its last run.' },
    { name: 'Last Phase', path: '.status.lastRun.phase', description: 'The phase of its last run.' },
    { name: 'Next Due', path: '.status.nextDueAt', description: 'When its next window is due, in UTC.' },
    { name: 'Ready', path: `${ready}.status`, description: 'Whether its newest manifest is the one that runs.' },
    { name: 'Suspended', path: '.spec.suspend', type: 'boolean', wide: true, description: 'Whether it is suspended.' },
    { name: 'Source', path: '.spec.source', wide: true, description: 'Where it comes from.' },
    { name: 'File', path: '.spec.file', wide: true, description: 'Its manifest.' },
    { name: 'Message', path: `${ready}.message`, wide: true, description: 'Why it is ready or not.' },
  ],
  spec: object(
    'What runs, in canonical form.',
    {
      description: boundedText('What the pipeline is for.', 65_536),
      source: boundedText('The PipelineSource that it comes from.', 253),
      file: boundedText('Path of its manifest in the source.', 4096),
      revision: boundedText('The revision that brought the version.', 128),
      version: { ...boundedText('Digest of its version: sha256, hex.', 64), pattern: '^[0-9a-f]{64}$' },
      bundle: { ...boundedText('Digest of what its tasks need to run: sha256, hex.', 64), pattern: '^[0-9a-f]{64}$' },
      schedule,
      suspend: {
        type: 'boolean',
        description:
          'True stops the schedule; running runs go on. May be set with kubectl where the manifest does not set it.',
      },
      maxActiveRuns: { type: 'integer', description: 'How many runs may run at once.', minimum: 1, maximum: 1000 },
      whenBusy: {
        type: 'string',
        description: 'What becomes of a window that is due while so many run; `queue` where it is absent.',
        enum: ['skip', 'replace'],
      },
      priority: { ...priority, description: 'Of its runs, where it is not 0.' },
      pool: { ...objectName, description: 'The Pool that each of its runs takes a slot of.' },
      timeout: { ...duration, description: 'The longest a run may take from its start.', maxLength: 32 },
      blocks: list('The steps, in topological order.', block, {
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        maxItems: 500,
      }),
    },
    ['source', 'file', 'version', 'maxActiveRuns', 'blocks'],
  ),
  status: object('How it goes.', {
    schedule: text('Its schedule, for reading, such as `every month`.'),
    lastRun: object(
      'Its newest run.',
      {
        name: { ...objectName, description: 'Its name.', maxLength: 253 },
        window: text('The label of its window, such as `2019-01`; absent without a window.'),
        phase: { $ref: '#/$defs/Phase' },
      },
      ['name', 'phase'],
    ),
    nextDueAt: past('When its next window is due.'),
    activeRuns: count('How many runs are running.'),
    queuedRuns: count('How many runs are queued.'),
    conditions,
    observedGeneration,
  }),
};
