import { describe, expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { onProcesses } from '../../../controller/manifests/place.ts';
import { files, jobs, load, pipeline, placeOf, unmark, withPod, withVolume } from './sources.ts';

const none = 'the operator’s policy allows none; remove it, or ask the operator to add it to';
const grant = (privilege: string) =>
  `the operator’s policy does not grant ${privilege}; remove it, or ask the operator to add ${privilege} to jobs.policy.privileges`;

/** What a manifest may not ask for under a policy that says nothing; `«` marks where it is shown. */
const hostile: readonly [title: string, code: string, message: string, text: string][] = [
  [
    'a path of the node',
    'outside-policy',
    `block "one": pod.volumes[0].hostPath.path is "/etc/kubernetes", and ${none} jobs.policy.hostPaths`,
    withVolume('hostPath: { path: «/etc/kubernetes }'),
  ],
  [
    'a privileged container',
    'outside-policy',
    `block "one": pod.securityContext.privileged is true, and ${grant('privileged')}`,
    withPod('{ securityContext: { privileged: «true } }'),
  ],
  [
    'root',
    'outside-policy',
    `block "one": pod.securityContext.runAsUser is 0, and ${grant('runAsRoot')}`,
    withPod('{ securityContext: { runAsUser: «0 } }'),
  ],
  [
    'the image’s own user, which may be root',
    'outside-policy',
    `block "one": pod.securityContext.runAsNonRoot is false, and ${grant('runAsRoot')}`,
    withPod('{ securityContext: { runAsNonRoot: «false } }'),
  ],
  [
    'the group of root',
    'outside-policy',
    `block "one": pod.securityContext.runAsGroup is 0, and ${grant('runAsRoot')}`,
    withPod('{ securityContext: { runAsGroup: «0 } }'),
  ],
  [
    'a root file system that can be written',
    'outside-policy',
    `block "one": pod.securityContext.readOnlyRootFilesystem is false, and ${grant('writableRootFilesystem')}`,
    withPod('{ securityContext: { readOnlyRootFilesystem: «false } }'),
  ],
  [
    'escalation',
    'outside-policy',
    `block "one": pod.securityContext.allowPrivilegeEscalation is true, and ${grant('privilegeEscalation')}`,
    withPod('{ securityContext: { allowPrivilegeEscalation: «true } }'),
  ],
  [
    'capabilities',
    'outside-policy',
    `block "one": pod.securityContext.capabilities.add is SYS_ADMIN, NET_RAW, and ${grant('capabilities')}`,
    withPod('{ securityContext: { capabilities: { add: «[SYS_ADMIN, NET_RAW] } } }'),
  ],
  [
    'a foreign service account',
    'outside-policy',
    `block "one": pod.serviceAccount is "pipewright-controller", and ${none} jobs.policy.serviceAccounts`,
    withPod('{ serviceAccount: «pipewright-controller }'),
  ],
  [
    'the token of a service account',
    'outside-policy',
    `block "one": pod.automountServiceAccountToken is true, and ${grant('serviceAccountToken')}`,
    withPod('{ automountServiceAccountToken: «true }'),
  ],
  [
    'a token by a projected volume',
    'unknown-field',
    'block "one": pod.volumes[0] has no field "projected"; its fields are name, mountPath, readOnly, subPath, configMap, secret, persistentVolumeClaim, emptyDir, hostPath',
    withVolume('emptyDir: {}, «projected: { sources: [{ serviceAccountToken: { path: token } }] }'),
  ],
  [
    'another namespace, and so its secrets',
    'outside-policy',
    'pod.namespace is "kube-system", and the operator’s policy allows pipewright-jobs; choose one of these, or ask the operator to add it to jobs.policy.namespaces',
    pipeline('p', `  pod: { namespace: «kube-system }\n  blocks:\n${load}`),
  ],
  [
    'another namespace for one block',
    'unknown-field',
    'block "one": pod has no field "namespace"; its fields are image, pullSecrets, serviceAccount, automountServiceAccountToken, nodeSelector, tolerations, affinity, priorityClass, volumes, securityContext',
    withPod('{ «namespace: kube-system }'),
  ],
  [
    'a secret of another namespace',
    'unknown-field',
    'block "one": pod.volumes[0].secret has no field "namespace"; its fields are secretName, items, defaultMode, optional',
    withVolume('secret: { secretName: root-password, «namespace: kube-system }'),
  ],
  [
    'the network of the node',
    'unknown-field',
    'block "one": pod has no field "hostNetwork"; its fields are image, pullSecrets, serviceAccount, automountServiceAccountToken, nodeSelector, tolerations, affinity, priorityClass, volumes, securityContext',
    withPod('{ «hostNetwork: true }'),
  ],
  [
    'the processes of the node',
    'unknown-field',
    'block "one": pod has no field "hostPID"; its fields are image, pullSecrets, serviceAccount, automountServiceAccountToken, nodeSelector, tolerations, affinity, priorityClass, volumes, securityContext',
    withPod('{ «hostPID: true }'),
  ],
  [
    'no seccomp',
    'unknown-field',
    'block "one": pod.securityContext has no field "seccompProfile"; its fields are runAsUser, runAsGroup, runAsNonRoot, readOnlyRootFilesystem, allowPrivilegeEscalation, privileged, capabilities',
    withPod('{ securityContext: { «seccompProfile: { type: Unconfined } } }'),
  ],
  [
    'the rows of other pipelines',
    'outside-policy',
    'block "one": pod.volumes[0].persistentVolumeClaim.claimName is "artifacts", where the rows of all pipelines lie; mount another claim, or read rows by `from`',
    withVolume('persistentVolumeClaim: { claimName: «artifacts }'),
  ],
  [
    'a priority class',
    'outside-policy',
    `block "one": pod.priorityClass is "system-node-critical", and ${none} jobs.policy.priorityClasses`,
    withPod('{ priorityClass: «system-node-critical }'),
  ],
];

describe('without a policy of the operator, a manifest is refused at its line that asks for', () => {
  test.each(hostile)('%s', (_, code, message, text) => {
    const { files: source, at } = unmark(files(text));
    const { pipelines, problems, broken } = compile({ files: source, place: jobs() });
    expect(problems.map((problem) => `${placeOf(problem)} ${problem.code} ${problem.message}`)).toEqual([
      `${at} ${code} pipeline "p": ${message}`,
    ]);
    expect([pipelines, broken]).toEqual([[], ['p']]);
  });
});

test('what a policy would refuse is no problem where no place is given, nor on one machine', () => {
  for (const place of [undefined, onProcesses]) {
    const texts = hostile.flatMap(([, code, , text]) => (code === 'outside-policy' ? [text] : []));
    for (const text of texts) expect(compile({ files: unmark(files(text)).files, place }).problems).toEqual([]);
  }
});
