import { compile } from '../../../controller/manifests/compile.ts';
import type { TaskPlace } from '../../../controller/manifests/place.ts';
import type { JobsPolicy, Problem } from '../../../schemas/generated/types.ts';

const apiVersion = 'apiVersion: pipewright.dev/v1alpha1';

/** A Pipeline manifest; `spec` is indented by two. */
export function pipeline(name: string, spec: string): string {
  return `${apiVersion}\nkind: Pipeline\nmetadata: { name: ${name} }\nspec:\n${spec}`;
}

/** A Block manifest. */
export function block(name: string, spec: string): string {
  return `${apiVersion}\nkind: Block\nmetadata: { name: ${name} }\nspec:\n${spec}`;
}

/** A Connection manifest. */
export function connection(name: string, spec: string): string {
  return `${apiVersion}\nkind: Connection\nmetadata: { name: ${name} }\nspec:\n${spec}`;
}

/** A Backfill manifest. */
export function backfill(name: string, spec: string): string {
  return `${apiVersion}\nkind: Backfill\nmetadata: { name: ${name} }\nspec:\n${spec}`;
}

export const warehouse = connection('warehouse', '  postgres: { host: localhost, database: taxi, user: loader }\n');
export const server = connection('server', '  http: { url: "https://example.test" }\n');

/** One load that is right. */
export const load = '    - name: one\n      load: { inline: { rows: [{ n: 1 }] } }\n';

/** Files `a.yaml`, `b.yaml`, …; one that begins with `# PATH.yaml` has that path. */
export function files(...texts: string[]): Map<string, string> {
  return new Map(texts.map((text, index) => [/^# (\S+\.yaml)\n/.exec(text)?.[1] ?? `${'abcdefgh'[index]}.yaml`, text]));
}

export type Marked = { readonly files: Map<string, string>; readonly at: string | undefined };

/** Takes the marks `«…»` out of the texts. `at`: where the first one was, as `file:line:column`. */
export function unmark(texts: ReadonlyMap<string, string>): Marked {
  let at: string | undefined;
  const plain = new Map<string, string>();
  for (const [file, text] of texts) {
    const mark = text.indexOf('«');
    if (mark >= 0) {
      const before = text.slice(0, mark).split('\n');
      at ??= `${file}:${before.length}:${(before.at(-1) ?? '').length + 1}`;
    }
    plain.set(file, text.replace(/[«»]/g, ''));
  }
  return { files: plain, at };
}

export function placeOf({ file, line, column }: Problem): string {
  return `${file}:${line}:${column}`;
}

/** The problems of a source, as `code message`. */
export function problemsOf(...texts: string[]): string[] {
  return compile({ files: files(...texts) }).problems.map(({ code, message }) => `${code} ${message}`);
}

/** Jobs of Kubernetes under a policy. */
export function jobs(policy: JobsPolicy = {}, artifactsClaim: string | undefined = 'artifacts'): TaskPlace {
  return { kind: 'jobs', policy, namespace: 'pipewright-jobs', artifactsClaim };
}

/** A pipeline whose only block says this of its pod. */
export function withPod(pod: string): string {
  return pipeline('p', `  blocks:\n${load}      pod: ${pod}\n`);
}

/** The same with one volume. */
export function withVolume(source: string): string {
  return withPod(`{ volumes: [{ name: v, mountPath: /v, ${source} }] }`);
}

/** A pipeline whose only block is a container. */
export function withContainer(fields: string): string {
  return pipeline('p', `  blocks:\n    - name: one\n      container: { ${fields} }\n`);
}
