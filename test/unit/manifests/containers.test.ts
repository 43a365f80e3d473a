import { describe, expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import type { CompiledPipeline } from '../../../schemas/generated/types.ts';
import { block, files, load, pipeline, placeOf, problemsOf, unmark } from './sources.ts';

function compiled(...texts: string[]): CompiledPipeline {
  const { pipelines, problems } = compile({ files: files(...texts) });
  expect(problems).toEqual([]);
  return pipelines[0] as CompiledPipeline;
}

const chain = `  variables: { city: { type: string, default: nyc } }
  blocks:
${load}    - name: score
      from: [one]
      container:
        image: registry.example/team/score:2
        command: [python, score.py]
        args: ["--city={{ city }}", "{{ run.no }}"]
        env: { MODE: fast, LIMIT: 3, KEY: { secretKeyRef: { name: team, key: api } } }
    - name: two
      needs: [score]
      when: outputs.score.rows > 3
      load: { inline: { rows: [{ n: "{{ outputs.score.rows }}" }] } }
    - name: three
      from: [two]
      transform: { sql: "select {{ outputs.score.share }} as share from two" }
`;

describe('a container block', () => {
  const { bundle } = compiled(pipeline('p', chain));

  test('compiles to itself, with its templates as they were written', () => {
    expect(bundle.blocks.find(({ name }) => name === 'score')).toMatchObject({
      from: ['one'],
      container: {
        image: 'registry.example/team/score:2',
        command: ['python', 'score.py'],
        args: ['--city={{ city }}', '{{ run.no }}'],
        env: { MODE: 'fast', LIMIT: 3, KEY: { secretKeyRef: { name: 'team', key: 'api' } } },
      },
      origin: { file: 'a.yaml', line: 11 },
    });
  });

  test('is a task alone, reads the rows of others as files, and blocks below it begin another task', () => {
    expect(
      bundle.tasks.map(({ name, blocks, needs, inputs, outputs }) => [name, blocks, needs, inputs, outputs]),
    ).toEqual([
      ['one', ['one'], [], [], ['one']],
      ['score', ['score'], ['one'], ['one'], []],
      ['three', ['two', 'three'], ['score'], [], []],
    ]);
  });

  test('may be a Block, whose parameters its texts use', () => {
    const tool = block(
      'tool',
      '  parameters: { city: { type: string } }\n  container: { image: a, args: ["{{ city }}"], env: { CITY: "{{ city }}" } }\n',
    );
    const user = pipeline(
      'p',
      '  blocks:\n    - { name: a, use: tool, with: { city: nyc } }\n    - { name: b, needs: [a], use: tool, with: { city: "{{ outputs.a.city }}" } }\n',
    );
    const { blocks, tasks } = compiled(user, tool).bundle;
    expect(blocks[1]).toMatchObject({
      container: { image: 'a', args: ['{{ city }}'] },
      parameters: { city: '{{ outputs.a.city }}' },
      origin: { file: 'b.yaml', line: 6 },
    });
    expect(tasks.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('changes the version with its image, and not with where it stands', () => {
    const digest = (text: string) => compiled(pipeline('p', text)).bundleDigest;
    expect(digest(chain.replace('score:2', 'score:3'))).not.toBe(digest(chain));
    expect(digest(chain.replace('  blocks:', '  # here\n  blocks:'))).toBe(digest(chain));
  });
});

const blocks = (text: string) => pipeline('p', `  blocks:\n${load}${text}`);
const container = (fields: string, more = '') => blocks(`    - name: run\n      container: { ${fields} }\n${more}`);

/** `«` marks where the problem is to be shown. */
const wrong: readonly [code: string, message: string, ...texts: string[]][] = [
  [
    'missing-input',
    'block "two": from[0] reads from "run", which is a container and gives no rows; use `needs` to wait for it',
    container('image: a', '    - name: two\n      from: [«run]\n      transform: { sql: from run }\n'),
  ],
  [
    'bad-value',
    'block "run": checks cannot stand here, since a container has no rows; move them to the block it reads',
    container('image: a', '      «checks: [{ expect: n > 1 }]\n'),
  ],
  [
    'one-form',
    'block "run": container stands beside "load", and only one of load, transform, export, container, wait, use can; remove the others',
    container('image: a', '      load: { inline: { rows: [{ n: 1 }] } }\n').replace('container:', '«container:'),
  ],
  [
    'one-form',
    'block "run": pod.image is for blocks that the runner executes, and this one is a container; write `container.image` alone',
    container('image: a', '      pod: { «image: b }\n'),
  ],
  [
    'bad-value',
    'block "run": container.image is "a:{{ x }}", which does not fit; write an image as a container runtime takes it, such as `registry.example/team/tool:1`; no `{{ }}`',
    container('image: «"a:{{ x }}"'),
  ],
  [
    'not-templated',
    'block "run": container.command[0]: a {{ }} is not evaluated in this field; write the value itself',
    container('image: a, command: ["«{{ run.name }}"]'),
  ],
  [
    'unknown-name',
    'block "run": container.env.A: "citty" is not a name here; the names are window.start, window.end, window.previous.start, window.previous.end, mage.execution_date, mage.interval_start_datetime, mage.interval_start_datetime_previous, mage.interval_end_datetime, mage.interval_seconds, run.name, run.no, run.trigger, pipeline.name',
    container('image: a, env: { A: "{{ «citty }}" }'),
  ],
  [
    'unknown-name',
    'block "run": container.args[0]: block "run" has not run by then, since this block does not wait for it; add it to `needs`',
    container('image: a, args: ["{{ «outputs.run.a }}"]'),
  ],
  [
    'clear-text-secret',
    'block "run": container.env.DB_PASSWORD is a secret in clear text; look it up: secretKeyRef: { name, key }',
    container('image: a, env: { DB_PASSWORD: «hunter2, MAX_TOKENS: "3" }'),
  ],
  [
    'clear-text-secret',
    'block "run": container.env.URL is a secret in clear text; look it up: secretKeyRef: { name, key }',
    container('image: a, env: { URL: «"postgres://me:hunter2@db/x" }'),
  ],
  [
    'clear-text-secret',
    'block "run": container.args[1] has a password in clear text; give it as a variable in `env` with secretKeyRef: { name, key }',
    container('image: a, args: [a, «"https://me:hunter2@x.test"]'),
  ],
  [
    'bad-name',
    'block "run": container.env.PIPEWRIGHT_ORDER begins with PIPEWRIGHT_, and such names are taken; choose another one',
    container('image: a, env: { «PIPEWRIGHT_ORDER: x }'),
  ],
  [
    'bad-name',
    'block "run": container.env.A=B cannot be the name of a variable; use letters, digits and underscores, beginning with a letter',
    container('image: a, env: { «"A=B": x }'),
  ],
  [
    'wrong-type',
    'block "run": container.env.A is a list, which is not text or a number or true or false or a map; write text',
    container('image: a, env: { A: «[] }'),
  ],
  [
    'unknown-name',
    'block "tool": container.args[0]: "outputs.run.a" is not a name here; the names are x, window.start, window.end, window.previous.start, window.previous.end, mage.execution_date, mage.interval_start_datetime, mage.interval_start_datetime_previous, mage.interval_end_datetime, mage.interval_seconds',
    block('tool', '  parameters: { x: { type: string } }\n  container: { image: a, args: ["{{ «outputs.run.a }}"] }\n'),
  ],
];

describe('a problem of a container', () => {
  test.each(wrong)('%s: %s', (code, message, ...texts) => {
    const { files: source, at } = unmark(files(...texts));
    const found = compile({ files: source }).problems.map((each) => `${placeOf(each)} ${each.code} ${each.message}`);
    const manifest = message.startsWith('block "tool"') ? '' : 'pipeline "p": ';
    expect(found).toEqual([`${at} ${code} ${manifest}${message}`]);
  });

  test('in a Block is the only one when a pipeline names outputs of it', () => {
    const user = blocks(
      '    - { name: run, use: tool }\n    - { name: two, needs: [run], load: { inline: { rows: [{ n: "{{ outputs.run.n }}" }] } } }\n',
    );
    expect(problemsOf(user, block('tool', '  container: { imag: a }\n')).every((each) => each.includes('"tool"'))).toBe(
      true,
    );
  });

  test('is found in a SQL file too, for the block that uses the file', () => {
    const source = files(blocks('    - name: two\n      from: [one]\n      transform: { sql: { file: q.sql } }\n')).set(
      'q.sql',
      'select {{ outputs.one.n }} from one',
    );
    expect(compile({ files: source }).problems).toMatchObject([
      { file: 'q.sql', line: 1, column: 11, code: 'unknown-name', pipeline: 'p' },
    ]);
  });
});
