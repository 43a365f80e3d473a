import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createBundles } from '../../../controller/executors/jobs/bundle.ts';
import type { Resource } from '../../../controller/kubernetes/client.ts';
import { useJobs } from './bench.ts';

const at = useJobs();

describe('a bundle', () => {
  const names = async () => (await at.bundlesIn()).map(({ metadata }) => metadata.name);
  const bundles = (unusedMs: number) =>
    createBundles({ kubernetes: at.kubernetes, namespaces: [at.namespace], unusedMs });
  const read = async () => Buffer.from('{}');
  const digest = 'f'.repeat(64);

  test('that no Job names is removed at the second look, after its time', async () => {
    await bundles(0).ensure(at.namespace, digest, read);
    await bundles(0).collect();
    expect(await names()).toHaveLength(1);
    await bundles(600_000).collect();
    expect(await names()).toHaveLength(1);
    await bundles(-1).collect();
    expect(await names()).toEqual([]);
  });

  test('that a Job names stays', async () => {
    await at.executor.launch(at.attempt());
    await bundles(-1).collect();
    await bundles(-1).collect();
    expect(await names()).toHaveLength(1);
  });

  test('that a launch has asked for since the first look is looked at afresh', async () => {
    await bundles(-1).ensure(at.namespace, digest, read);
    await bundles(-1).collect();
    await bundles(-1).ensure(at.namespace, digest, read);
    await bundles(-1).collect();
    expect(await names()).toHaveLength(1);
  });

  test('holds what the runner unpacks', async () => {
    await bundles(0).ensure(at.namespace, digest, async () => Buffer.from('{"blocks":[]}'));
    const [bundle] = await at.bundlesIn();
    const { 'bundle.json.gz': packed = '' } = (bundle as Resource).binaryData as Record<string, string>;
    expect(gunzipSync(Buffer.from(packed, 'base64')).toString()).toBe('{"blocks":[]}');
  });

  test('that is too large for a ConfigMap is refused in a sentence', async () => {
    const large = async () => randomBytes(1_000_000);
    await expect(bundles(0).ensure(at.namespace, digest, large)).rejects.toMatchObject({
      reason: 'BundleTooLarge',
      message: expect.stringMatching(/a ConfigMap takes 921600; split the pipeline/),
    });
  });
});
