import { describe, expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { quantityOf } from '../../../controller/manifests/quantity.ts';
import type { CompiledTask } from '../../../schemas/generated/types.ts';
import { files, load, pipeline, placeOf, unmark, withPod, withVolume } from './sources.ts';

function tasks(spec: string): CompiledTask[] {
  const { pipelines, problems } = compile({ files: files(pipeline('p', spec)) });
  expect(problems).toEqual([]);
  return pipelines[0]?.bundle.tasks ?? [];
}

const transform = (name: string, from: string, more = '') =>
  `    - name: ${name}\n      from: [${from}]\n      transform: { sql: from ${from} }\n${more}`;

describe('a pod', () => {
  test('of which nobody says anything is not there', () => {
    expect(tasks(`  blocks:\n${load}`)[0]).not.toHaveProperty('pod');
  });

  test('has the pipeline’s fields, each replaced whole by the block’s', () => {
    const [first, second] = tasks(
      `  resources: { requests: { cpu: 1, memory: 1Gi }, limits: { memory: 2Gi } }
  pod: { namespace: team-a, nodeSelector: { disk: ssd }, securityContext: { runAsUser: 1000, runAsGroup: 1000 } }
  blocks:
${load}${transform('two', 'one', '      resources: { requests: { cpu: 500m } }\n      pod: { securityContext: { runAsUser: 2000 }, serviceAccount: loader }\n')}`,
    );
    expect(first?.pod).toEqual({
      namespace: 'team-a',
      nodeSelector: { disk: 'ssd' },
      securityContext: { runAsUser: 1000, runAsGroup: 1000 },
      resources: { requests: { cpu: 1, memory: '1Gi' }, limits: { memory: '2Gi' } },
    });
    expect(second?.pod).toEqual({
      namespace: 'team-a',
      nodeSelector: { disk: 'ssd' },
      securityContext: { runAsUser: 2000 },
      serviceAccount: 'loader',
      resources: { requests: { cpu: '500m' }, limits: { memory: '2Gi' } },
    });
  });

  test.each(['resources: { limits: { memory: 8Gi } }', 'pod: { serviceAccount: loader }'])(
    'of its own makes a block begin a task, which those below it join: %s',
    (own) => {
      const found = tasks(`  blocks:\n${load}${transform('two', 'one', `      ${own}\n`)}${transform('three', 'two')}`);
      expect(found.map(({ blocks }) => blocks)).toEqual([['one'], ['two', 'three']]);
      expect(found[1]?.pod).toBeDefined();
    },
  );

  test('of the pipeline divides nothing, and its image is not that of a container', () => {
    const [first, second] = tasks(
      `  pod: { image: "mine:1", priorityClass: low }\n  blocks:\n${load}${transform('two', 'one')}    - { name: run, needs: [two], container: { image: a } }\n`,
    );
    expect(first).toMatchObject({ blocks: ['one', 'two'], pod: { image: 'mine:1', priorityClass: 'low' } });
    expect(second?.pod).toEqual({ priorityClass: 'low' });
  });

  test('takes what Kubernetes takes of places and volumes', () => {
    const text = `  pod:
    tolerations: [{ key: gpu, operator: Exists, effect: NoSchedule }]
    affinity:
      nodeAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: In, values: [a, b] }] }]
      podAntiAffinity:
        preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            podAffinityTerm: { topologyKey: kubernetes.io/hostname, labelSelector: { matchLabels: { app: loader } } }
    volumes:
      - { name: settings, mountPath: /settings, readOnly: true, configMap: { name: team.settings, items: [{ key: a, path: b/a }] } }
      - { name: key, mountPath: /key, secret: { secretName: key, defaultMode: 256 } }
      - { name: models, mountPath: /models, subPath: v2, persistentVolumeClaim: { claimName: models } }
      - { name: memory, mountPath: /dev/shm, emptyDir: { medium: Memory, sizeLimit: 1Gi } }
  blocks:
${load}`;
    expect(tasks(text)[0]?.pod).toMatchObject({ tolerations: [{ key: 'gpu' }], volumes: { length: 4 } });
  });
});

const withResources = (resources: string) => `${pipeline('p', `  blocks:\n${load}`)}      resources: ${resources}\n`;
const quantityRule = 'which does not fit; write a quantity of Kubernetes, not negative: `500m`, `2`, `1.5Gi`';

/** `«` marks where the problem is to be shown. */
const wrong: readonly [code: string, message: string, text: string][] = [
  ['bad-value', `resources.limits.memory is "2GB", ${quantityRule}`, withResources('{ limits: { memory: «2GB } }')],
  ['bad-value', `resources.limits.cpu is "-1", ${quantityRule}`, withResources('{ limits: { cpu: «"-1" } }')],
  [
    'bad-value',
    'resources.requests.memory is 1Gi, more than the limit of 1G; ask for less or raise the limit',
    withResources('{ requests: { memory: «1Gi, cpu: 900m }, limits: { memory: 1G, cpu: 1 } }'),
  ],
  ['unknown-field', 'resources has no field "limit"; did you mean "limits"?', withResources('{ «limit: { cpu: 1 } }')],
  [
    'unknown-field',
    'pod.affinity.nodeAffinity has no field "required"; its fields are requiredDuringSchedulingIgnoredDuringExecution, preferredDuringSchedulingIgnoredDuringExecution',
    withPod('{ affinity: { nodeAffinity: { «required: {} } } }'),
  ],
  [
    'one-form',
    'pod.volumes[0] has none of configMap, secret, persistentVolumeClaim, emptyDir, hostPath; write exactly one of them',
    withPod('{ volumes: [«{ name: v, mountPath: /v }] }'),
  ],
  [
    'one-form',
    'pod.volumes[0].secret stands beside "configMap", and only one of configMap, secret, persistentVolumeClaim, emptyDir, hostPath can; remove the others',
    withVolume('configMap: { name: a }, «secret: { secretName: b }'),
  ],
  [
    'bad-name',
    'pod.volumes[0].name is "pipewright-scratch", and names that begin with "pipewright-" are taken; choose another one',
    withPod('{ volumes: [{ name: «pipewright-scratch, mountPath: /v, emptyDir: {} }] }'),
  ],
  [
    'duplicate-name',
    'pod.volumes[1].name is "a", as another volume’s name is; choose another one',
    withPod('{ volumes: [{ name: a, mountPath: /a, emptyDir: {} }, { name: «a, mountPath: /b, emptyDir: {} }] }'),
  ],
  [
    'bad-value',
    'pod.volumes[1].mountPath is "/a/", where another volume is mounted; choose another path',
    withPod('{ volumes: [{ name: a, mountPath: /a, emptyDir: {} }, { name: b, mountPath: «/a/, emptyDir: {} }] }'),
  ],
  ...['/', '//dev', '/etc/./pipewright', '/scratch/x', '/inputs', '/proc/1', '/sys'].map(
    (path): [string, string, string] => [
      'bad-value',
      `pod.volumes[0].mountPath is "${path}", which the task needs itself; mount it elsewhere, such as /data`,
      withPod(`{ volumes: [{ name: v, mountPath: «${path}, emptyDir: {} }] }`),
    ],
  ),
  [
    'bad-value',
    'pod.volumes[0].subPath is "a/../../b", and no path may have a ".." in it; write where it leads',
    withVolume('emptyDir: {}, subPath: «a/../../b'),
  ],
  [
    'bad-value',
    'pod.volumes[0].hostPath.path is "/data/../etc", and no path may have a ".." in it; write where it leads',
    withVolume('hostPath: { path: «/data/../etc }'),
  ],
  [
    'bad-value',
    'pod.volumes[0].secret.items[0].path is "../a", and no path may have a ".." in it; write where it leads',
    withVolume('secret: { secretName: s, items: [{ key: a, path: «../a }] }'),
  ],
  [
    'not-templated',
    'pod.nodeSelector.disk: a {{ }} is not evaluated in this field; write the value itself',
    withPod('{ nodeSelector: { disk: "«{{ run.name }}" } }'),
  ],
];

describe('a problem of a pod', () => {
  test.each(wrong)('%s: %s', (code, message, text) => {
    const { files: source, at } = unmark(files(text));
    const found = compile({ files: source }).problems.map((each) => `${placeOf(each)} ${each.code} ${each.message}`);
    expect(found).toEqual([`${at} ${code} pipeline "p": block "one": ${message}`]);
  });

  test('of the pipeline is shown there, and a wait that is named like a duration is none', () => {
    const { problems } = compile({
      files: files(
        pipeline(
          'p',
          `  resources: { requests: { cpu: 2 }, limits: { cpu: 1 } }\n  pod: { nodeSelector: { timeout: x } }\n  blocks:\n${load}`,
        ),
      ),
    });
    expect(problems.map((each) => `${placeOf(each)} ${each.message}`)).toEqual([
      'a.yaml:5:33 pipeline "p": resources.requests.cpu is 2, more than the limit of 1; ask for less or raise the limit',
    ]);
  });
});

test.each([
  ['500m', 0.5],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['2k', 2000],
  ['3e3', 3000],
  ['1E', 1e18],
  [0.25, 0.25],
] as const)('the quantity %s is %d', (text, value) => {
  expect(quantityOf(text)).toBeCloseTo(value);
});
