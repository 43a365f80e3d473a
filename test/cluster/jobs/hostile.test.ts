import { expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { onJobs, type TaskPlace } from '../../../controller/manifests/place.ts';
import type { PodSettings, Problem } from '../../../schemas/generated/types.ts';
import { id, soon, useJobs } from './bench.ts';

const at = useJobs();

/** A manifest whose eighth line is the first of `pod`. */
function hostile(pod: string): string {
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: hostile }
spec:
  blocks: [{ name: one, load: { inline: { rows: [{ n: 1 }] } } }]
  # What follows is for the pods of all blocks.
  pod:
    ${pod.trim()}
`;
}

function problemsOf(pod: string): Problem[] {
  const config = { resources: 'pipewright', image: 'runner:1', reportUrl: 'http://controller', reportPort: 1 };
  return compiled(pod, onJobs({ ...config, namespace: 'jobs' })).problems;
}

function compiled(pod: string, place?: TaskPlace) {
  const files = new Map([['hostile.yaml', hostile(pod)]]);
  return compile({ files, ...(place && { place }) });
}

/** As if nobody had asked the policy. */
async function launch(pod: string): Promise<void> {
  const asked = compiled(pod).pipelines[0]?.bundle.tasks[0]?.pod as PodSettings;
  await at.executor.launch(at.attempt(id, {}, { pod: asked }));
}

async function refusal(): Promise<string> {
  const pending = async () => {
    await at.observed();
    return at.executor.describe?.(id)?.pending;
  };
  await expect.poll(pending, soon).toMatchObject({ reason: 'PodRefused' });
  return (await pending())?.message ?? '';
}

test.each([
  ['a path of the node', 'volumes: [{ name: host, mountPath: /host, hostPath: { path: / } }]', /hostPath/],
  ['all privileges', 'securityContext: { privileged: true }', /privileged/],
  ['root', 'securityContext: { runAsUser: 0 }', /runAsNonRoot|runAsUser/],
  ['the image’s own user', 'securityContext: { runAsNonRoot: false }', /runAsNonRoot/],
  ['escalation', 'securityContext: { allowPrivilegeEscalation: true }', /allowPrivilegeEscalation/],
  ['capabilities', 'securityContext: { capabilities: { add: [SYS_ADMIN] } }', /capabilities/],
  ['an account that nobody has made', 'serviceAccount: cluster-admin', /serviceaccount "cluster-admin" not found/],
])('a manifest that asks for %s is a problem with its line, and gets no pod either', async (_, pod, why) => {
  expect(problemsOf(pod)).toMatchObject([{ code: 'outside-policy', file: 'hostile.yaml', line: 8 }]);
  await launch(pod);
  expect(await refusal()).toMatch(why);
  expect(await at.podNames()).toEqual([]);
});

test('a manifest that asks for the secrets of another namespace is a problem, and gets no Job there', async () => {
  const pod = 'namespace: kube-system';
  expect(problemsOf(pod)).toMatchObject([{ code: 'outside-policy', line: 8 }]);
  await expect(launch(pod)).rejects.toMatchObject({ reason: 'OutsidePolicy' });
  expect(await at.jobs('kube-system')).toEqual([]);
});

test('a manifest that asks for a token of the API is a problem, and a pod has none unless it asks', async () => {
  expect(problemsOf('automountServiceAccountToken: true')).toMatchObject([{ code: 'outside-policy', line: 8 }]);
  await launch('nodeSelector: { disk: ssd }');
  const { spec } = await at.firstPod();
  expect(spec).toMatchObject({ automountServiceAccountToken: false });
  expect(JSON.stringify(spec)).not.toContain('serviceAccountToken');
});
