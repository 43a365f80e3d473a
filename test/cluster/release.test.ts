import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';
import { createHelm, type Helm } from './support/helm.ts';

const chart = fileURLToPath(new URL('../../charts/pipewright', import.meta.url));
const page = fileURLToPath(new URL('../../docs/kubernetes.md', import.meta.url));
const inRelease = ['--namespace', 'pipewright'];
const controller = 'system:serviceaccount:pipewright:pipewright';
const drainer = 'system:serviceaccount:pipewright:pipewright-drain';
const jobsOwn = 'system:serviceaccount:pipewright-jobs:default';

type Definition = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly spec: { readonly versions: readonly { readonly additionalPrinterColumns: readonly object[] }[] };
};

let plane: ControlPlane;
let helm: Helm;

beforeAll(async () => {
  plane = await startControlPlane();
  helm = await createHelm(plane.kubeconfig);
  await plane.kubectl(['create', 'namespace', 'team-a']);
  await helm(['install', 'pipewright', chart, ...inRelease, '--create-namespace']);
}, firstStart);
afterAll(() => plane?.stop());

/** `resource NAMES verbs`, a line each, as `kubectl auth can-i --list` has it. */
async function listAll(account: string, namespace: string): Promise<string[]> {
  const table = await plane.kubectl(['auth', 'can-i', '--list', '--namespace', namespace, '--as', account]);
  return table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/ {2,}/g, ' '));
}

/** What an account may do beyond what any may: `resource verb`, with the names where it is bound to some. */
async function granted(account: string, namespace: string): Promise<string[]> {
  const nobody = new Set(await listAll('system:serviceaccount:default:nobody', namespace));
  const own = (await listAll(account, namespace)).filter((line) => !nobody.has(line));
  return own
    .flatMap((line) => {
      const [, resource, urls, names, verbs] = /^(\S+) \[(.*?)\] \[(.*?)\] \[(.*?)\]$/.exec(line) ?? [];
      if (resource === undefined || urls !== '') throw new Error(`kubectl printed a line of another form: ${line}`);
      return (verbs ?? '').split(' ').map((verb) => `${resource}${names ? `=${names}` : ''} ${verb}`);
    })
    .sort();
}

/** The same, as the table of the documentation promises it. */
function promised(account: string, place: string): string[] {
  const rows = readFileSync(page, 'utf8').matchAll(/^\| (\w+) \| (release’s|Jobs’) \| (.+) \| (.+) \|$/gm);
  return [...rows]
    .filter(([, whose, where]) => whose === account && where === place)
    .flatMap(([, , , resources = '', verbs = '']) =>
      [...resources.matchAll(/`(\S+)`/g)].flatMap(([, resource]) =>
        verbs.split(', ').map((verb) => `${resource} ${verb}`),
      ),
    )
    .sort();
}

describe('`kubectl auth can-i --list`', () => {
  test('shows for the controller what the documentation says, and no more', async () => {
    expect(await granted(controller, 'pipewright')).toEqual(promised('controller', 'release’s'));
    expect(await granted(controller, 'pipewright-jobs')).toEqual(promised('controller', 'Jobs’'));
    expect(promised('controller', 'Jobs’')).toContain('jobs.batch create');
  });

  test('shows for the account that drains before an uninstall what the documentation says, and no more', async () => {
    expect(await granted(drainer, 'pipewright')).toEqual(promised('drain', 'release’s'));
    expect(await granted(drainer, 'pipewright-jobs')).toEqual(promised('drain', 'Jobs’'));
    expect(promised('drain', 'release’s')).toContain('deployments.apps/scale=pipewright patch');
  });

  test('shows nothing for them anywhere else, and nothing at all for Jobs', async () => {
    for (const namespace of ['default', 'kube-system', 'team-a']) {
      expect(await granted(controller, namespace)).toEqual([]);
      expect(await granted(drainer, namespace)).toEqual([]);
    }
    for (const namespace of ['pipewright', 'pipewright-jobs']) expect(await granted(jobsOwn, namespace)).toEqual([]);
  });

  test('shows the same in a namespace that the policy adds, and nothing there when it goes again', async () => {
    await upgrade('--set', 'jobs.policy.namespaces={team-a}');
    expect(await granted(controller, 'team-a')).toEqual(promised('controller', 'Jobs’'));
    expect(await granted(drainer, 'team-a')).toEqual(promised('drain', 'Jobs’'));
    expect(await granted(controller, 'default')).toEqual([]);
    await upgrade();
    expect(await granted(controller, 'team-a')).toEqual([]);
  });

  test('shows with `rbac.scope: cluster` what Jobs need in every namespace, and the rest in one', async () => {
    await upgrade('--set', 'rbac.scope=cluster');
    for (const namespace of ['default', 'team-a', 'pipewright-jobs']) {
      expect(await granted(controller, namespace)).toEqual(promised('controller', 'Jobs’'));
    }
    const both = [...promised('controller', 'release’s'), ...promised('controller', 'Jobs’')].sort();
    expect(await granted(controller, 'pipewright')).toEqual(both);
    await upgrade();
    expect(await granted(controller, 'default')).toEqual([]);
  });

  function upgrade(...values: string[]): Promise<string> {
    return helm(['upgrade', 'pipewright', chart, ...inRelease, '--reset-values', ...values]);
  }
});

describe('a release', () => {
  const password = () =>
    plane.kubectl(['get', 'secret', 'pipewright-postgres', ...inRelease, '-o', 'jsonpath={.data}']);

  test('keeps the password of the bundled Postgres over an upgrade', async () => {
    const before = await password();
    await helm(['upgrade', 'pipewright', chart, ...inRelease, '--set', 'logLevel=debug']);
    expect(await password()).toBe(before);
  });

  test('takes CRDs of an earlier version to its own, with their objects', async () => {
    const crd = ['get', 'customresourcedefinition', 'pipelineruns.pipewright.dev', '-o', 'json'];
    const read = async (): Promise<Definition> => JSON.parse(await plane.kubectl(crd));
    const { apiVersion, kind, metadata, spec } = await read();
    const { name, annotations } = metadata;
    const older = spec.versions.map((version) => ({
      ...version,
      additionalPrinterColumns: version.additionalPrinterColumns.slice(1),
    }));
    const run = { apiVersion: 'pipewright.dev/v1alpha1', kind: 'PipelineRun', metadata: { name: 'kept' } };
    await plane.kubectl([...inRelease, 'create', '-f', '-'], JSON.stringify({ ...run, spec: { pipeline: 'hello' } }));
    // As Helm itself would have left it.
    const asHelm = ['apply', '--server-side', '--field-manager=helm', '-f', '-'];
    const before = { apiVersion, kind, metadata: { name, annotations }, spec: { ...spec, versions: older } };
    await plane.kubectl(asHelm, JSON.stringify(before));
    expect((await read()).spec).toEqual(before.spec);
    await helm(['upgrade', 'pipewright', chart, ...inRelease]);
    expect((await read()).spec).toEqual(spec);
    await plane.kubectl(['get', 'pipelinerun', 'kept', ...inRelease]);
  });

  test('stays whole when an uninstall cannot end what runs, and goes on after a rollback', async () => {
    const replicas = () =>
      plane.kubectl(['get', 'deployment', 'pipewright', ...inRelease, '-o', 'jsonpath={.spec.replicas}']);
    // No node runs the hook here.
    await expect(helm(['uninstall', 'pipewright', ...inRelease, '--timeout', '3s'])).rejects.toThrow(
      /pipewright-drain/,
    );
    const scale = ['patch', 'deployment', 'pipewright', ...inRelease, '--subresource=scale', '--type=merge'];
    await plane.kubectl([...scale, '--field-manager=pipewright', '--patch', '{"spec":{"replicas":0}}']);
    const history = JSON.parse(await helm(['history', 'pipewright', ...inRelease, '-o', 'json'])) as {
      revision: number;
    }[];
    const revision = String(history.at(-1)?.revision);
    await helm(['rollback', 'pipewright', revision, ...inRelease, '--force-conflicts']);
    expect(await replicas()).toBe('1');
    expect(await plane.kubectl(['get', 'role,rolebinding', ...inRelease, '-o', 'name'])).toContain('role.rbac');
  });

  test('leaves behind what cannot be made anew, and nothing else', async () => {
    const before = await password();
    await helm(['uninstall', 'pipewright', ...inRelease, '--wait', '--no-hooks']);
    // Of the hook that failed, for whoever asks why.
    await plane.kubectl(['delete', 'job', 'pipewright-drain', ...inRelease]);
    expect(await password()).toBe(before);
    const names = (await plane.kubectl(['get', 'crd', '-o', 'name'])).trim().split('\n');
    expect(names.filter((name) => name.endsWith('.pipewright.dev'))).toHaveLength(4);
    await plane.kubectl(['get', 'pipelinerun', 'kept', ...inRelease]);
    await plane.kubectl(['get', 'namespace', 'pipewright-jobs']);
    const kinds = 'deployment,statefulset,job,service,role,rolebinding,networkpolicy,poddisruptionbudget';
    expect(await plane.kubectl(['get', kinds, '-o', 'name', ...inRelease])).toBe('');
    expect(await plane.kubectl(['get', kinds, '-o', 'name', '--namespace', 'pipewright-jobs'])).toBe('');
  });

  test('takes up what an earlier one of the name left behind', async () => {
    const before = await password();
    await helm(['install', 'pipewright', chart, ...inRelease]);
    expect(await password()).toBe(before);
  });
});
