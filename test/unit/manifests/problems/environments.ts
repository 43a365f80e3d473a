import { block, connection, load, pipeline, warehouse } from '../sources.ts';
import type { Case } from './case.ts';

const file = '# environments/production/all.yaml\n';
const base = pipeline('p', `  variables: { month: { type: string }, most: { type: integer } }\n  blocks:\n${load}`);
const changes = (spec: string) => `${file}${pipeline('p', spec)}`;

/** What can be wrong with the overlay of an environment, whether or not that environment is chosen. */
export const environments: readonly Case[] = [
  [
    'outside-overlay',
    'pipeline "p" has "schedule", which cannot be changed here: an environment replaces Connections, and defaults of variables of Pipelines; change it in the pipeline’s own manifest',
    base,
    changes('  «schedule: { every: day }\n'),
  ],
  [
    'outside-overlay',
    'pipeline "p": variables.most has "type", which cannot be changed here: an environment replaces Connections, and defaults of variables of Pipelines; change it in the pipeline’s own manifest',
    base,
    changes('  variables: { most: { «type: string, default: 1 } }\n'),
  ],
  [
    'outside-overlay',
    'block "b": kind cannot be changed here: an environment replaces Connections, and defaults of variables of Pipelines; move it out of environments/',
    `${file}${block('b', '  load: { inline: { rows: [{ n: 1 }] } }\n').replace('Block', '«Block')}`,
  ],
  [
    'outside-overlay',
    'connection "warehouse": kind lies in no folder of an environment; move "environments/all.yaml" into one, as in environments/production/',
    warehouse,
    `# environments/all.yaml\n${warehouse.replace('Connection', '«Connection')}`,
  ],
  [
    'bad-variable',
    'pipeline "p": variables.mont is no variable of the pipeline; did you mean "month"?',
    base,
    changes('  variables: { «mont: { default: x } }\n'),
  ],
  [
    'bad-variable',
    'pipeline "p": variables.most.default is "x", and the variable is of type integer; correct the value',
    base,
    changes('  variables: { most: { default: «x } }\n'),
  ],
  [
    'unknown-pipeline',
    'environment "production" changes pipeline "q", and there is no such Pipeline outside of environments/; did you mean "p"?',
    base,
    changes('  variables: { most: { default: 1 } }\n').replace('name: p', 'name: «q'),
  ],
  [
    'unknown-connection',
    'environment "production" changes connection "warehous", and there is no such Connection outside of environments/; did you mean "warehouse"?',
    warehouse,
    `${file}${warehouse.replace('name: warehouse', 'name: «warehous')}`,
  ],
  [
    'wrong-connection-kind',
    'connection "warehouse": http is another system than the postgres of the connection that it replaces; keep the system, or add a Connection of another name',
    warehouse,
    `${file}${connection('warehouse', '  «http: { url: "https://example.test" }\n')}`,
  ],
];
