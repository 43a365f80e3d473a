import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../../controller/kubernetes/kubeconfig.ts';

let folder: string;
let kubeconfig: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipewright-kubeconfig-'));
  kubeconfig = join(folder, 'config');
});
afterEach(() => rm(folder, { recursive: true }));

const cluster = (name: string) => `{ name: ${name}, cluster: { server: "https://${name}" } }`;
const context = (name: string) => `{ name: ${name}, context: { cluster: ${name}, user: me } }`;
const two = `apiVersion: v1
kind: Config
clusters: [${cluster('a')}, ${cluster('b')}]
contexts: [${context('a')}, ${context('b')}]
users: [{ name: me, user: {} }]
`;

test('the current context counts, unless another one is named', async () => {
  await writeFile(kubeconfig, `${two}current-context: a\n`);
  expect(loadConfig({ kubeconfig }).getCurrentCluster()?.server).toBe('https://a');
  expect(loadConfig({ kubeconfig, context: 'b' }).getCurrentCluster()?.server).toBe('https://b');
});

test('a context that is not there is refused with those that are', async () => {
  await writeFile(kubeconfig, two);
  expect(() => loadConfig({ kubeconfig, context: 'c' })).toThrow('has no context "c"; it has a, b');
});

test('a file without a current context, and one that is not there, are refused in a sentence', async () => {
  expect(() => loadConfig({ kubeconfig })).toThrow(/config cannot be read .*; correct KUBECONFIG or the file/);
  await writeFile(kubeconfig, two);
  expect(() => loadConfig({ kubeconfig })).toThrow('no Kubernetes cluster is named');
});

test('a plain connection that nobody has asked for is none', async () => {
  await writeFile(kubeconfig, `${two.replace('https://a', 'http://a')}current-context: a\n`);
  expect(() => loadConfig({ kubeconfig })).toThrow('no Kubernetes cluster is named');
});
