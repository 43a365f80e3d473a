import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { type ResourceKind, resourceApiVersion, resourceKinds } from '../../schemas/resource-kinds.ts';
import type { ControlPlane } from './support/control-plane.ts';

const folder = fileURLToPath(new URL('../../crds', import.meta.url));
const names = Object.values(resourceKinds).map(({ plural }) => `${plural}.pipewright.dev`);

/** Installs the definitions of `crds/`, or again over themselves, and waits until they can be used. */
export async function installDefinitions({ kubectl }: ControlPlane): Promise<void> {
  await kubectl(['apply', '--server-side', '-f', folder]);
  // kubectl gives up where there are no conditions yet.
  await vi.waitFor(() => kubectl(['wait', '--for=condition=Established', 'crd', ...names]), 60_000);
  // Clients ask discovery, which follows a moment later.
  const discover = () => kubectl(['api-resources', '--api-group=pipewright.dev', '-o', 'name']);
  await vi.waitFor(async () => expect((await discover()).trim().split('\n')).toHaveLength(names.length), 60_000);
}

/** Objects as a person makes and reads them. What kubectl refuses is an error with what it says. */
export function createObjects(plane: () => ControlPlane) {
  const write = (plural: string, name: string, patch: object, ...more: string[]) =>
    plane().kubectl(['patch', plural, name, '--type=merge', '-p', JSON.stringify(patch), ...more]);
  return {
    create(kind: ResourceKind, name: string, spec: object): Promise<string> {
      const object = { apiVersion: resourceApiVersion, kind, metadata: { name }, spec };
      return plane().kubectl(['create', '-f', '-'], JSON.stringify(object));
    },
    patch: (plural: string, name: string, spec: object) => write(plural, name, { spec }),
    /** As the controller does, and nobody else. */
    setStatus: (plural: string, name: string, status: object) =>
      write(plural, name, { status }, '--subresource=status'),
    /** The cells of `kubectl get`, line by line. None of them may be empty or hold two spaces. */
    async table(...args: string[]): Promise<string[][]> {
      const lines = (await plane().kubectl(['get', ...args])).trimEnd().split('\n');
      return lines.map((line) => line.trimEnd().split(/ {2,}/));
    },
  };
}
