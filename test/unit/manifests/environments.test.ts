import { expect, test } from 'vitest';
import { compile, createCompiler } from '../../../controller/manifests/compile.ts';
import { connection, files, load, pipeline } from './sources.ts';

const server = (url: string) => connection('server', `  http: { url: "${url}" }\n`);
const calling = pipeline(
  'calling',
  '  variables: { day: { type: string, default: monday } }\n  blocks:\n    - name: one\n      load: { http: { connection: server, url: "/{{ day }}" }, format: { csv: {} } }\n',
);
const alone = pipeline('alone', `  variables: { day: { type: string, default: monday } }\n  blocks:\n${load}`);
const base = [server('https://test.example'), calling, alone];
const over = (name: string, text: string) => `# environments/${name}\n${text}`;
const sources = files(
  ...base,
  over('production/server.yaml', server('https://real.example')),
  over('production/calling.yaml', pipeline('calling', '  variables: { day: { default: sunday } }\n')),
);

function compiled(environment?: string, source = sources) {
  const found = compile({ files: source, environment });
  return { ...found, of: (name: string) => found.pipelines.find((each) => each.name === name) };
}

test('without an environment its folder changes nothing, and is checked all the same', () => {
  const plain = compile({ files: files(...base) });
  expect(compiled().problems).toEqual([]);
  expect(compiled().pipelines).toEqual(plain.pipelines);
  const bad = files(...base, over('production/x.yaml', server('«')), over('production/y.yaml', server('x')));
  expect(compiled(undefined, bad).problems.map(({ code }) => code)).toContain('duplicate-name');
  expect(compiled(undefined, bad).pipelines).toHaveLength(2);
});

test('an environment replaces connections and defaults, and only what uses them is another version', () => {
  const { bundle, digest } = compiled('production').of('calling') ?? {};
  expect(compiled('production').problems).toEqual([]);
  expect(bundle?.connections).toEqual({ server: { http: { url: 'https://real.example' } } });
  expect(bundle?.variables).toEqual({ day: { type: 'string', default: 'sunday' } });
  expect(digest).not.toBe(compiled().of('calling')?.digest);
  expect(compiled('production').of('alone')?.digest).toBe(compiled().of('alone')?.digest);
});

test('a variable without a default gets one from the environment', () => {
  const scheduled = '  schedule: { every: day }\n  variables: { day: { type: string } }\n';
  const source = files(
    pipeline('p', `${scheduled}  blocks:\n${load}`),
    over('production/p.yaml', pipeline('p', '  variables: { day: { default: sunday } }\n')),
  );
  expect(compiled(undefined, source).problems.map(({ code }) => code)).toEqual(['missing-default']);
  expect(compiled('production', source).problems).toEqual([]);
});

test('a problem of the chosen environment breaks what it changes, and one of another environment nothing', () => {
  const source = files(
    ...base,
    over('staging/a.yaml', pipeline('calling', '  variables: { dya: { default: x } }\n')),
    over('production/a.yaml', server('https://real.example')),
  );
  expect(compiled('production', source).problems).toHaveLength(1);
  expect(compiled('production', source).broken).toEqual([]);
  expect(compiled('staging', source)).toMatchObject({ broken: ['calling'], unreadable: false });
  const wrong = files(...base, over('staging/a.yaml', server('x').replace('url', 'ulr')));
  expect(compiled('staging', wrong)).toMatchObject({ broken: ['calling'], unreadable: false });
  expect(compiled('staging', wrong).of('alone')).toBeDefined();
});

test('nothing is taken from a source whose environment is not there or cannot be read', () => {
  const missing = compiled('prodution');
  expect(missing).toMatchObject({ pipelines: [], broken: ['alone', 'calling'], unreadable: true });
  expect(missing.problems).toMatchObject([
    {
      file: 'environments/',
      line: 1,
      code: 'unknown-environment',
      message:
        'there is no environment "prodution", since nothing lies below environments/prodution/; did you mean "production"?',
    },
  ]);
  const torn = files(...base, over('production/a.yaml', 'kind: [\n'), over('staging/b.yaml', server('x')));
  expect(compiled('production', torn)).toMatchObject({ pipelines: [], unreadable: true });
  expect(compiled('staging', torn)).toMatchObject({ broken: [], unreadable: false });
});

test.each([
  ['the name of nothing', 'production/a.yaml', server('x').replace('name: server', 'name: serve')],
  ['a kind that nobody reads', 'production/a.yaml', server('x').replace('Connection', 'Conection')],
  ['a kind that environments do not change', 'production/a.yaml', server('x').replace('Connection', 'Pool')],
  ['no environment', 'a.yaml', server('x')],
])('what may replace something and has %s keeps all from running against what is not replaced', (_, file, text) => {
  const source = files(...base, over('production/z.yaml', ''), over('test/z.yaml', ''), over(file, text));
  expect(compiled('production', source)).toMatchObject({ pipelines: [], unreadable: true });
  expect(compiled('production', source).problems).not.toEqual([]);
  expect(compiled(undefined, source).pipelines).toHaveLength(2);
});

test('a version keeps what people wrote: its manifest, what its environment says, and what it uses', () => {
  const { manifest } = compiled('production').of('calling') ?? {};
  expect(manifest?.map(({ file, line }) => `${file}:${line}`)).toEqual([
    'b.yaml:1',
    'environments/production/calling.yaml:1',
    'environments/production/server.yaml:1',
  ]);
  expect(manifest?.[0]?.text).toBe(calling);
  const inOne = compile({ files: new Map([['all.yaml', `# why\n${base.join('---\n')}`]]) });
  expect(inOne.pipelines[1]?.manifest).toEqual([
    { name: 'Pipeline calling', file: 'all.yaml', line: 7, text: `---\n${calling}` },
    { name: 'Connection server', file: 'all.yaml', line: 1, text: `# why\n${base[0]}` },
  ]);
});

test('compiling again gives what compiling afresh gives, also when an environment changes', () => {
  const compiler = createCompiler();
  const options = (url: string) => ({
    files: new Map([...sources, ['environments/production/server.yaml', server(url)]]),
    environment: 'production',
  });
  for (const url of ['https://one.example', 'https://one.example', 'https://two.example', '']) {
    expect(compiler.compile(options(url))).toEqual(compile(options(url)));
  }
});
