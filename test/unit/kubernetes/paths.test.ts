import { expect, test } from 'vitest';
import { kindOf, pathOf } from '../../../controller/kubernetes/paths.ts';

test.each([
  ['v1', 'Pod', 'pods'],
  ['v1', 'ConfigMap', 'configmaps'],
  ['batch/v1', 'Job', 'jobs'],
  ['networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'],
  ['networking.k8s.io/v1', 'Ingress', 'ingresses'],
  ['gateway.networking.k8s.io/v1', 'Gateway', 'gateways'],
  ['pipewright.dev/v1alpha1', 'PipelineRun', 'pipelineruns'],
])('of %s %s the plural is %s', (apiVersion, kind, plural) => {
  expect(kindOf({ apiVersion, kind, metadata: { name: 'a' } }).plural).toBe(plural);
});

test('a path names group, version, namespace, plural, name and subresource, as far as there are any', () => {
  const pods = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
  const jobs = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
  expect(pathOf(pods, { namespace: 'a', name: 'b' }, 'log')).toBe('/api/v1/namespaces/a/pods/b/log');
  expect(pathOf(jobs, { namespace: 'a' })).toBe('/apis/batch/v1/namespaces/a/jobs');
  expect(pathOf(jobs, {})).toBe('/apis/batch/v1/jobs');
});
