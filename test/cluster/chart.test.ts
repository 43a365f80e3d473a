import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readJobsConfig } from '../../cli/jobs-config.ts';
import { readSources } from '../../controller/manifests/read-sources.ts';
import contracts from '../../schemas/generated/contracts.schema.json' with { type: 'json' };
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';
import { createHelm, type Helm } from './support/helm.ts';

const chart = fileURLToPath(new URL('../../charts/pipewright', import.meta.url));
const crds = fileURLToPath(new URL('../../crds/', import.meta.url));
const fullValues = fileURLToPath(new URL('./golden/full-values.yaml', import.meta.url));
const full = ['--values', fullValues];

type Entry = {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly annotations?: Record<string, string> };
  /** Of a ConfigMap. */
  readonly data?: Record<string, string>;
  /** Of a Role. */
  readonly rules?: readonly { readonly resources: readonly string[] }[];
  /** Of what has a spec, and a template in it. */
  readonly spec?: { readonly template?: { readonly spec: object } };
};

let plane: ControlPlane;
let helm: Helm;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipewright-chart-'));
  plane = await startControlPlane();
  helm = await createHelm(plane.kubeconfig);
  for (const namespace of ['pipewright', 'dry-jobs', 'data-jobs', 'team-a']) await makeNamespace(namespace);
}, firstStart);

afterAll(async () => {
  await plane?.stop();
  await rm(folder, { recursive: true });
});

async function makeNamespace(name: string, ...labels: string[]): Promise<void> {
  await plane.kubectl(['create', 'namespace', name]);
  if (labels.length > 0) await plane.kubectl(['label', 'namespace', name, ...labels]);
  // A pod is refused without it, and it would come a moment later, or never where there is no controller manager.
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } };
  await plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(account));
}

function template(...args: string[]): Promise<string> {
  return helm(['template', 'pipewright', chart, '--namespace', 'pipewright', ...args]);
}

function documents(text: string): Entry[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Entry | null)
    .filter((one) => one !== null);
}

describe('the chart', () => {
  test.each([
    ['its own values', []],
    ['all values set', full],
  ])('passes the strict lint with %s', async (_name, args) => {
    expect(await helm(['lint', '--strict', chart, ...args])).toContain('0 chart(s) failed');
  });

  test.each([
    ['default', ['--set', 'database.bundled.password=golden']],
    ['full', full],
  ])('renders with %s values what the golden file holds', async (name, args) => {
    const text = await template('--set', 'crds.install=false', ...args);
    await expect(text).toMatchFileSnapshot(`./golden/${name}.yaml`);
  });

  test('brings the CRDs of crds/ as they are, and keeps them at an uninstall', async () => {
    const rendered = documents(await template('--show-only', 'templates/crds.yaml'));
    const expected = readdirSync(crds).map((file) => {
      const crd = parse(readFileSync(crds + file, 'utf8')) as Entry;
      const annotations = { ...crd.metadata.annotations, 'helm.sh/resource-policy': 'keep' };
      return { ...crd, metadata: { ...crd.metadata, annotations } };
    });
    expect(rendered).toHaveLength(4);
    expect(rendered).toEqual(expect.arrayContaining(expected));
  });

  test('writes every field of the file that `start --jobs` reads, and none that it refuses', async () => {
    const config = async (...args: string[]) => {
      const [map] = documents(await template('--show-only', 'templates/jobs-config.yaml', ...args));
      const file = join(folder, 'jobs.yaml');
      await writeFile(file, map?.data?.['jobs.yaml'] ?? '');
      return readJobsConfig(file);
    };
    expect(Object.keys(await config(...full)).sort()).toEqual(
      Object.keys(contracts.$defs.JobsConfig.properties).sort(),
    );
    expect(Object.keys((await config(...full)).policy ?? {}).sort()).toEqual(
      Object.keys(contracts.$defs.JobsPolicy.properties).sort(),
    );
    expect(await config()).toMatchObject({ namespace: 'pipewright-jobs', resources: 'pipewright', reportPort: 6790 });
  });

  test('writes sources that `start --source` reads, and takes every field of them', async () => {
    const [map] = documents(await template('--show-only', 'templates/sources.yaml', ...full));
    const { declarations, problems } = readSources(new Map([['sources.yaml', map?.data?.['sources.yaml'] ?? '']]));
    expect([problems, declarations.map(({ name }) => name)]).toEqual([[], ['team-a', 'team-b']]);
    const { folder, ...fields } = contracts.$defs.PipelineSourceResourceSpec.properties;
    expect(Object.keys(declarations[0]?.spec ?? {}).sort()).toEqual(Object.keys(fields).sort());
    expect(Object.keys(declarations[0]?.spec.git ?? {}).sort()).toEqual(Object.keys(fields.git.properties).sort());
  });

  test('lets the controller read the secrets that sources name and those of the values, and no others', async () => {
    const secretsIn = async (...args: string[]) => {
      const roles = documents(await template('--show-only', 'templates/rbac.yaml', ...args));
      return roles.flatMap(({ rules = [] }) => rules.filter(({ resources }) => resources.includes('secrets')));
    };
    const names = ['others', 'team-a-git', 'team-a-signers', 'team-b-git'];
    expect(await secretsIn(...full)).toEqual([
      { apiGroups: [''], resources: ['secrets'], resourceNames: names, verbs: ['get'] },
    ]);
    expect(await secretsIn()).toEqual([]);
  });

  test.each([
    ['a name that it does not know', 'replica=2', /additional properties 'replica' not allowed/],
    ['a misspelt name further down', 'jobs.namespase=x', /additional properties 'namespase' not allowed/],
    ['a number that makes no sense', 'replicas=-1', /at '\/replicas': minimum/],
    ['a scope that there is not', 'rbac.scope=everything', /at '\/rbac\/scope'/],
    ['a file outside the folder', 'source.files.\\.\\./x\\.yaml=x', /at '\/source\/files': additional properties/],
    ['a file of a kind that nobody reads', 'source.files.notes\\.txt=x', /at '\/source\/files': additional properties/],
    ['Jobs beside the controller', 'jobs.namespace=pipewright', /a Job there could mount the controller's secrets/],
    [
      'Jobs of pipelines beside the controller',
      'jobs.policy.namespaces={pipewright}',
      /mount the controller's secrets/,
    ],
    ['a privilege that there is not', 'jobs.policy.privileges={root}', /at '\/jobs\/policy\/privileges\/0'/],
    ['a source in the pod', 'sources[0].name=a,sources[0].git.url=file:///etc', /at '\/sources\/0\/git\/url'/],
    ['a source without a repository', 'sources[0].name=a', /at '\/sources\/0': missing property 'git'/],
    ['hooks without a secret', 'hooks.enabled=true', /hooks\.secretName is empty; name a secret/],
    [
      'a way to the hooks without a host',
      'hooks.enabled=true,hooks.secretName=x,hooks.ingress.enabled=true',
      /hooks\.ingress\.host is empty; name the host/,
    ],
    ['no service account', 'serviceAccount.create=false', /name an account that exists/],
  ])('refuses %s', async (_what, value, message) => {
    await expect(template('--set', value)).rejects.toThrow(message);
  });

  test.each([
    ['its own values', ['--set', 'jobs.namespace=dry-jobs']],
    ['all values set', full],
  ])('is accepted by an API server with %s', async (_name, args) => {
    const text = await template(...args);
    const answer = await plane.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], text);
    expect(answer.trim().split('\n')).toHaveLength(documents(text).length);
  });

  test('gives Jobs their place in every namespace that the policy adds', async () => {
    const rendered = documents(await template('--set', 'jobs.policy.namespaces={team-a}'));
    const kindsIn = (namespace: string) =>
      rendered.filter(({ metadata }) => metadata.namespace === namespace).map(({ kind }) => kind);
    expect(kindsIn('team-a').sort()).toEqual(kindsIn('pipewright-jobs').sort());
    const [own] = rendered.filter(({ kind }) => kind === 'NetworkPolicy');
    expect(JSON.stringify(own)).toContain('"values":["pipewright-jobs","team-a"]');
  });

  test('makes pods that the restricted Pod Security Standard lets in', async () => {
    await makeNamespace('strict', 'pod-security.kubernetes.io/enforce=restricted');
    const all = documents(await template('--set', 'database.bundled.persistence.enabled=false'));
    const made = all.flatMap(({ kind, spec }) =>
      kind === 'Pod' ? [spec] : spec?.template ? [spec.template.spec] : [],
    );
    expect(made).toHaveLength(4);
    for (const [at, spec] of made.entries()) {
      const metadata = { name: `pod-${at}`, namespace: 'strict' };
      // Admission asks for the account, and that of the release is not there.
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...spec, serviceAccountName: 'default' } };
      await plane.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod));
    }
  });
});
