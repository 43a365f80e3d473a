import { type Case, spec } from './case.ts';

const scheduled = (catchUp: string) => spec('', `  schedule: { every: day, catchUp: ${catchUp} }\n`);

/** What can be wrong with catch-up. */
export const schedules: readonly Case[] = [
  [
    'bad-value',
    'pipeline "p": schedule.catchUp.maxWindows is for `mode: all`, and this is latest; remove it or change the mode',
    scheduled('{ mode: latest, «maxWindows: 3 }'),
  ],
  [
    'bad-value',
    'pipeline "p": schedule.catchUp.rate is "fast", which does not fit; write how many are queued at most: `6 per minute`, `20 per hour`',
    scheduled('{ mode: all, rate: «fast }'),
  ],
  [
    'bad-value',
    'pipeline "p": schedule.catchUp.mode is "some", which is not one of none, latest, all; write one of them',
    scheduled('{ mode: «some }'),
  ],
  [
    'missing-field',
    'pipeline "p": schedule.catchUp lacks "mode"; add it: which missed windows run, as the word alone says it',
    scheduled('«{ maxWindows: 3 }').replace('«{', '{').replace('catchUp', '«catchUp'),
  ],
  [
    'unknown-field',
    'pipeline "p": schedule.catchUp has no field "maxWindow"; did you mean "maxWindows"?',
    scheduled('{ mode: all, «maxWindow: 3 }'),
  ],
];
