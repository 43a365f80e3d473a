import { instant, map, object, objectName, priority, ref } from './common.ts';
import {
  boundedText,
  conditions,
  count,
  immutable,
  observedGeneration,
  past,
  type Resource,
  text,
  withRules,
} from './resource-parts.ts';

const startedOnce = 'a run is for one thing from its start to its end; make another PipelineRun';

const runSpec = withRules(
  object(
    'What to run. All but `cancel` is fixed once the object exists.',
    {
      pipeline: { ...objectName, description: 'The pipeline to run.' },
      window: {
        ...boundedText(
          'Start of the window: `2019-01`, a date, a local date and time in the schedule’s zone, or an RFC 3339 instant. Without it the latest closed window.',
          64,
        ),
        minLength: 1,
      },
      variables: {
        ...map(
          'Values for variables, as text: `"5"`, `"true"`. They are converted to the types that the pipeline declares.',
          boundedText('A variable’s value.', 65_536),
        ),
        maxProperties: 500,
      },
      rerunOf: {
        ...boundedText('The name of an ended run: run its window again, with its variables.', 253),
        minLength: 1,
      },
      priority: { ...priority, description: 'Among runs that wait; that of the pipeline by default.' },
      cancel: { type: 'boolean', description: 'True stops the run. It cannot be taken back.' },
    },
    ['pipeline'],
  ),
  [
    { rule: 'self.pipeline == oldSelf.pipeline', message: startedOnce, fieldPath: '.pipeline' },
    immutable('window', startedOnce),
    immutable('variables', startedOnce),
    immutable('rerunOf', startedOnce),
    immutable('priority', startedOnce),
    {
      rule: '!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)',
      message: 'a cancellation cannot be taken back; make another PipelineRun with rerunOf',
      fieldPath: '.cancel',
    },
    {
      rule: '!has(self.rerunOf) || (!has(self.window) && !has(self.variables) && !has(self.priority))',
      message:
        'a rerun takes window and variables from the run it names, and the priority of its pipeline; leave them out, or leave out rerunOf',
    },
  ],
);

const runStatus = object('How the run goes.', {
  run: text('The run’s name in the history; another than the object’s where a person named the object.'),
  phase: ref('Phase'),
  reason: text('Why it is in this phase, machine-readable; see the reference of reasons.'),
  message: text('Why it is in this phase, in a sentence.'),
  window: object(
    'The window that it is for, half-open `[start, end)`.',
    {
      start: { ...instant, description: 'Inclusive, UTC.' },
      end: { ...instant, description: 'Exclusive, UTC.' },
      label: text('Its label, such as `2019-01`.'),
    },
    ['start', 'end', 'label'],
  ),
  runNo: count('Its number among the runs of the window, from 1.'),
  trigger: text('What made it: `schedule`, `manual`, `rerun`.'),
  tasks: object(
    'How far its tasks are.',
    {
      done: count('How many have succeeded or were skipped.'),
      total: count('How many there are.'),
      text: text('Both, for reading: `1/2`.'),
    },
    ['done', 'total', 'text'],
  ),
  startedAt: past('When its first task was launched.'),
  finishedAt: past('When it settled.'),
  duration: text('The time between the two, for reading: `14s`.'),
  version: text('Digest of the version that it is pinned to.'),
  revision: text('The first twelve digits of the revision that brought the version.'),
  job: text('The Job of its newest attempt.'),
  node: text('The node of its newest attempt.'),
  conditions,
  observedGeneration,
});

export const pipelineRun: Resource = {
  description:
    'One execution of a pipeline. The controller makes one for every due window; one made with kubectl asks for a run.',
  columns: [
    { name: 'Pipeline', path: '.spec.pipeline', description: 'The pipeline.' },
    { name: 'Window', path: '.status.window.label', description: 'The label of its window.' },
    { name: 'Phase', path: '.status.phase', description: 'Its phase.' },
    { name: 'Trigger', path: '.status.trigger', description: 'What made it.' },
    { name: 'Tasks', path: '.status.tasks.text', description: 'Tasks that are done, of all.' },
    { name: 'Started', path: '.status.startedAt', type: 'date', description: 'How long ago it started.' },
    { name: 'Duration', path: '.status.duration', description: 'How long it took, or takes so far.' },
    { name: 'Commit', path: '.status.revision', wide: true, description: 'The revision that brought its version.' },
    { name: 'Job', path: '.status.job', wide: true, description: 'The Job of its newest attempt.' },
    { name: 'Node', path: '.status.node', wide: true, description: 'The node of its newest attempt.' },
    { name: 'Message', path: '.status.message', wide: true, description: 'Why it is in its phase.' },
  ],
  selectors: ['.spec.pipeline', '.status.phase'],
  spec: runSpec,
  status: runStatus,
};
