import { describe, expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { excessText, judge } from '../../../controller/manifests/policy.ts';
import type { JobsPolicy, PodSettings } from '../../../schemas/generated/types.ts';
import {
  block,
  connection,
  files,
  jobs,
  load,
  pipeline,
  placeOf,
  unmark,
  warehouse,
  withContainer,
  withPod,
  withVolume,
} from './sources.ts';

const none = 'the operator’s policy allows none; remove it, or ask the operator to add it to';
const allowed = 'choose one of these, or ask the operator to add it to';

/** What a policy does not allow, beside what it does. */
const bounded: readonly [policy: JobsPolicy, message: string, bad: string, good: string][] = [
  [
    { images: ['registry.example/team/*', 'busybox:1.36'] },
    `pipeline "p": block "one": container.image is "docker.io/evil/miner:1", and the operator’s policy allows registry.example/team/*, busybox:1.36; ${allowed} jobs.policy.images`,
    withContainer('image: «docker.io/evil/miner:1'),
    withContainer('image: registry.example/team/a/b:2'),
  ],
  [
    { images: ['registry.example/*'] },
    `pipeline "p": pod.image is "other/runner:1", and the operator’s policy allows registry.example/*; ${allowed} jobs.policy.images`,
    pipeline('p', `  pod: { image: «"other/runner:1" }\n  blocks:\n${load}`),
    pipeline('p', `  pod: { image: "registry.example/runner:1" }\n  blocks:\n${load}`),
  ],
  [
    { secrets: ['team-*'] },
    `pipeline "p": block "one": container.env.KEY.secretKeyRef.name is "root", and the operator’s policy allows team-*; ${allowed} jobs.policy.secrets`,
    withContainer('image: a, env: { KEY: { secretKeyRef: { name: «root, key: k } } }'),
    withContainer('image: a, env: { KEY: { secretKeyRef: { name: team-a, key: k } } }'),
  ],
  [
    { secrets: [] },
    'pipeline "p": block "one": pod.pullSecrets[0] is "root", and the operator’s policy allows none; remove it, or ask the operator to add it to jobs.policy.secrets',
    withPod('{ pullSecrets: [«root] }'),
    withPod('{ pullSecrets: [] }'),
  ],
  [
    { hostPaths: ['/data/'] },
    `pipeline "p": block "one": pod.volumes[0].hostPath.path is "/database", and the operator’s policy allows /data/; ${allowed} jobs.policy.hostPaths`,
    withVolume('hostPath: { path: «/database }'),
    withVolume('hostPath: { path: //data/./team }'),
  ],
  [
    { configMaps: ['a'] },
    `pipeline "p": block "one": pod.volumes[0].configMap.name is "b", and the operator’s policy allows a; ${allowed} jobs.policy.configMaps`,
    withVolume('configMap: { name: «b }'),
    withVolume('configMap: { name: a }'),
  ],
  [
    { claims: ['a*c*e'] },
    `pipeline "p": block "one": pod.volumes[0].persistentVolumeClaim.claimName is "ace-f", and the operator’s policy allows a*c*e; ${allowed} jobs.policy.claims`,
    withVolume('persistentVolumeClaim: { claimName: «ace-f }'),
    withVolume('persistentVolumeClaim: { claimName: abcde }'),
  ],
  [
    { namespaces: ['team-a'] },
    `pipeline "p": pod.namespace is "team-b", and the operator’s policy allows pipewright-jobs, team-a; ${allowed} jobs.policy.namespaces`,
    pipeline('p', `  pod: { namespace: «team-b }\n  blocks:\n${load}`),
    pipeline('p', `  pod: { namespace: team-a }\n  blocks:\n${load}`),
  ],
  [
    { placement: false },
    'pipeline "p": block "one": pod.nodeSelector chooses nodes, which the operator’s policy leaves to the operator; remove it, or ask the operator to set jobs.policy.placement to true',
    withPod('{ nodeSelector: «{ disk: ssd } }'),
    withPod('{ volumes: [] }'),
  ],
  [
    { privileges: ['privileged'], serviceAccounts: ['loader-*'] },
    `pipeline "p": block "one": pod.serviceAccount is "loader", and the operator’s policy allows loader-*; ${allowed} jobs.policy.serviceAccounts`,
    withPod('{ securityContext: { privileged: true }, serviceAccount: «loader }'),
    withPod('{ securityContext: { privileged: true }, serviceAccount: loader-1 }'),
  ],
  [
    { maxResources: { memory: '4Gi' } },
    'pipeline "p": block "one": resources.limits.memory is 5G, and the operator’s policy allows 4Gi at most; ask for less, or ask the operator to raise jobs.policy.maxResources',
    `${pipeline('p', `  blocks:\n${load}`)}      resources: { limits: { memory: «5G } }\n`,
    `${pipeline('p', `  blocks:\n${load}`)}      resources: { requests: { cpu: 100 }, limits: { memory: 4G } }\n`,
  ],
  [
    { maxResources: { memory: '4Gi' } },
    'pipeline "p": block "one": resources.limits lacks memory, which the operator’s policy bounds; add memory with 4Gi at most, or ask the operator to raise jobs.policy.maxResources',
    `${pipeline('p', `  blocks:\n${load}`)}      resources: «{ requests: { memory: 1Gi } }\n`,
    `${pipeline('p', `  resources: { limits: { memory: 2Gi } }\n  blocks:\n${load}`)}      resources: { requests: { memory: 1Gi } }\n`,
  ],
  [
    { maxResources: { memory: '4Gi', 'nvidia.com/gpu': 1 } },
    'pipeline "p": resources.limits lacks memory, which the operator’s policy bounds; add memory with 4Gi at most, or ask the operator to raise jobs.policy.maxResources',
    pipeline('p', `  resources: { limits: «{ cpu: 2 } }\n  blocks:\n${load}`),
    pipeline('p', `  resources: { limits: { cpu: 2, memory: 1Gi } }\n  blocks:\n${load}`),
  ],
];

describe('the policy', () => {
  test.each(bounded)('%j refuses and allows', (policy, message, bad, good) => {
    const { files: source, at } = unmark(files(bad));
    const { problems } = compile({ files: source, place: jobs(policy) });
    expect(problems.map((problem) => `${placeOf(problem)} ${problem.message}`)).toEqual([`${at} ${message}`]);
    expect(problems[0]).toMatchObject({ code: 'outside-policy', pipeline: 'p', frame: expect.stringContaining('^') });
    expect(compile({ files: files(good), place: jobs(policy) }).problems).toEqual([]);
  });

  test('counts a field of the pipeline once, and one that a block has replaced at the block', () => {
    const text = pipeline(
      'p',
      `  pod: { serviceAccount: a }\n  resources: { limits: { cpu: 8 } }\n  blocks:\n${load}      pod: { priorityClass: c }\n      resources: { requests: { cpu: 9 } }\n`,
    );
    const place = jobs({ maxResources: { cpu: 4 } });
    expect(compile({ files: files(text), place }).problems.map(placeOf)).toEqual([
      'a.yaml:5:26', // serviceAccount of the pipeline
      'a.yaml:6:31', // its limit
      'a.yaml:10:29', // the block’s priority class
      'a.yaml:11:37', // its request
    ]);
  });

  test('holds for a Block and a Connection at their own lines, and stops what uses them', () => {
    const shared = block('tool', '  container: { image: other/tool }\n');
    const secret = connection(
      'secret',
      '  http: { url: "https://x.test", headers: { A: { secretKeyRef: { name: root, key: k } } } }\n',
    );
    const user = pipeline(
      'user',
      `  blocks:\n    - { name: a, use: tool }\n    - { name: b, load: { http: { connection: secret, url: x }, format: { csv: {} } } }\n`,
    );
    const place = jobs({ images: ['mine/*'], secrets: ['mine'] });
    const { problems, broken } = compile({ files: files(user, shared, secret, warehouse), place });
    expect(problems.map((problem) => `${placeOf(problem)} ${problem.message.split(', and')[0]}`)).toEqual([
      'b.yaml:5:23 block "tool": container.image is "other/tool"',
      'c.yaml:5:72 connection "secret": http.headers.A.secretKeyRef.name is "root"',
    ]);
    expect(broken).toEqual(['user']);
  });
});

test('a compiled task is judged as its manifest was, in sentences', () => {
  const pod: PodSettings = { resources: { limits: { cpu: 3 } }, serviceAccount: 'a' };
  const policy: JobsPolicy = { maxResources: { cpu: 2 }, secrets: ['x'] };
  expect(judge({ pod, secrets: ['y'] }, { policy, namespace: 'n' }).map(excessText)).toEqual([
    `pod.serviceAccount is "a", and ${none} jobs.policy.serviceAccounts`,
    `the secret of a connection is "y", and the operator’s policy allows x; ${allowed} jobs.policy.secrets`,
    'resources.limits.cpu is 3, and the operator’s policy allows 2 at most; ask for less, or ask the operator to raise jobs.policy.maxResources',
  ]);
});

test('a pattern with many stars is judged without hanging', () => {
  const policy: JobsPolicy = { images: [`${'*a'.repeat(100)}b`] };
  expect(judge({ container: { image: 'a'.repeat(500) } }, { policy, namespace: 'n' })).toHaveLength(1);
});

test.each([
  ['busybox:1', 'busybox:1', 0],
  ['busybox:1', 'busybox:12', 1],
  ['a*b*b', 'ab', 1],
  ['a*b*b', 'abb', 0],
  ['*', 'any/thing:1', 0],
  ['', 'a', 1],
])('the pattern %j on %j leaves %d to refuse', (pattern, image, count) => {
  expect(judge({ container: { image } }, { policy: { images: [pattern] }, namespace: 'n' })).toHaveLength(count);
});

test('a path that leads out of an allowed one lies nowhere', () => {
  const pod = { volumes: [{ name: 'v', mountPath: '/v', hostPath: { path: '/data/../etc' } }] };
  expect(judge({ pod }, { policy: { hostPaths: ['/data'] }, namespace: 'n' })).toHaveLength(1);
});
