import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readJobsConfig } from '../../cli/jobs-config.ts';
import contracts from '../../schemas/generated/contracts.schema.json' with { type: 'json' };
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';
import { createHelm, type Helm } from './support/helm.ts';

const chart = fileURLToPath(new URL('../../charts/pipewright', import.meta.url));
const crds = fileURLToPath(new URL('../../crds/', import.meta.url));
const fullValues = fileURLToPath(new URL('./golden/full-values.yaml', import.meta.url));
const full = ['--values', fullValues];

type Entry = {
  readonly kind: string;
  readonly metadata: { readonly annotations?: Record<string, string> };
  /** Of a ConfigMap. */
  readonly data?: Record<string, string>;
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
  for (const namespace of ['pipewright', 'dry-jobs', 'data-jobs']) await makeNamespace(namespace);
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
    expect(await config()).toMatchObject({ namespace: 'pipewright-jobs', resources: 'pipewright', reportPort: 6790 });
  });

  test.each([
    ['a name that it does not know', 'replica=2', /additional properties 'replica' not allowed/],
    ['a misspelt name further down', 'jobs.namespase=x', /additional properties 'namespase' not allowed/],
    ['a number that makes no sense', 'replicas=-1', /at '\/replicas': minimum/],
    ['a scope that there is not', 'rbac.scope=everything', /at '\/rbac\/scope'/],
    ['a file outside the folder', 'source.files.\\.\\./x\\.yaml=x', /at '\/source\/files': additional properties/],
    ['a file of a kind that nobody reads', 'source.files.notes\\.txt=x', /at '\/source\/files': additional properties/],
    ['Jobs beside the controller', 'jobs.namespace=pipewright', /a Job there could mount the controller's secrets/],
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

  test('makes pods that the restricted Pod Security Standard lets in', async () => {
    await makeNamespace('strict', 'pod-security.kubernetes.io/enforce=restricted');
    const all = documents(await template('--set', 'database.bundled.persistence.enabled=false'));
    const made = all.flatMap(({ kind, spec }) =>
      kind === 'Pod' ? [spec] : spec?.template ? [spec.template.spec] : [],
    );
    expect(made).toHaveLength(3);
    for (const [at, spec] of made.entries()) {
      const metadata = { name: `pod-${at}`, namespace: 'strict' };
      // Admission asks for the account, and that of the release is not there.
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...spec, serviceAccountName: 'default' } };
      await plane.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod));
    }
  });
});

describe('a release', () => {
  const account = 'system:serviceaccount:pipewright:pipewright';
  const inRelease = ['--namespace', 'pipewright'];
  const password = () =>
    plane.kubectl(['get', 'secret', 'pipewright-postgres', ...inRelease, '-o', 'jsonpath={.data}']);

  beforeAll(async () => {
    await helm(['install', 'pipewright', chart, ...inRelease]);
  });

  /** `yes` or `no`; kubectl exits 1 for the latter. */
  async function can(verb: string, resource: string, namespace: string): Promise<string> {
    const args = ['auth', 'can-i', verb, resource, '--namespace', namespace, '--as', account];
    return plane.kubectl(args).then(
      (answer) => answer.trim(),
      () => 'no',
    );
  }

  test.each([
    ['create', 'jobs.batch', 'pipewright-jobs', 'yes'],
    ['patch', 'jobs.batch', 'pipewright-jobs', 'yes'],
    ['get', 'pods/log', 'pipewright-jobs', 'yes'],
    ['create', 'configmaps', 'pipewright-jobs', 'yes'],
    ['watch', 'events', 'pipewright-jobs', 'yes'],
    ['watch', 'pipelineruns.pipewright.dev', 'pipewright', 'yes'],
    ['patch', 'pipelineruns.pipewright.dev/status', 'pipewright', 'yes'],
    ['create', 'events', 'pipewright', 'yes'],
    ['get', 'secrets', 'pipewright-jobs', 'no'],
    ['get', 'secrets', 'pipewright', 'no'],
    ['delete', 'jobs.batch', 'pipewright-jobs', 'no'],
    ['create', 'pods', 'pipewright-jobs', 'no'],
    ['create', 'pods/exec', 'pipewright-jobs', 'no'],
    ['create', 'jobs.batch', 'pipewright', 'no'],
    ['create', 'jobs.batch', 'default', 'no'],
    ['create', 'serviceaccounts/token', 'pipewright-jobs', 'no'],
    ['create', 'rolebindings.rbac.authorization.k8s.io', 'pipewright-jobs', 'no'],
    ['patch', 'customresourcedefinitions.apiextensions.k8s.io', 'pipewright', 'no'],
  ])('lets the controller %s %s in %s: %s', async (verb, resource, namespace, expected) => {
    expect(await can(verb, resource, namespace)).toBe(expected);
  });

  test('keeps the password of the bundled Postgres over an upgrade', async () => {
    const before = await password();
    await helm(['upgrade', 'pipewright', chart, ...inRelease, '--set', 'logLevel=debug']);
    expect(await password()).toBe(before);
  });

  test('leaves behind what cannot be made anew, and nothing else', async () => {
    const before = await password();
    await helm(['uninstall', 'pipewright', ...inRelease, '--wait']);
    expect(await password()).toBe(before);
    const names = (await plane.kubectl(['get', 'crd', '-o', 'name'])).trim().split('\n');
    expect(names.filter((name) => name.endsWith('.pipewright.dev'))).toHaveLength(4);
    await plane.kubectl(['get', 'namespace', 'pipewright-jobs']);
    const kinds = 'deployment,statefulset,service,role,rolebinding,networkpolicy,poddisruptionbudget';
    expect(await plane.kubectl(['get', kinds, '-o', 'name', ...inRelease])).toBe('');
    expect(await plane.kubectl(['get', kinds, '-o', 'name', '--namespace', 'pipewright-jobs'])).toBe('');
  });

  test('takes up what an earlier one of the name left behind', async () => {
    const before = await password();
    await helm(['install', 'pipewright', chart, ...inRelease]);
    expect(await password()).toBe(before);
  });
});
