import type { Connection } from '../../schemas/generated/types.ts';
import { environmentNames } from '../expressions/template.ts';
import { checkOneForm } from './check-body.ts';
import { checkTexts } from './check-texts.ts';
import type { Context } from './context.ts';
import { createReport } from './context.ts';
import { reportExcess } from './excess.ts';
import type { Path } from './locate.ts';
import type { ConnectionManifest } from './manifest.ts';
import { hasPassword, isLookedUp, isSecretHeader } from './secrets.ts';
import { stringsOf } from './strings.ts';

/** Checks what the schema cannot say of a Connection. */
export function checkConnection(context: Context, manifest: ConnectionManifest): void {
  const report = createReport(context, manifest);
  const { spec } = manifest.value;
  checkTexts({
    context,
    manifest,
    definition: 'ConnectionSpec',
    names: () => ({ variables: [], window: 'hidden', run: false, environment: true }),
  });
  if (manifest.faults.length > 0) return;
  checkOneForm(report, ['spec'], spec, ['postgres', 'http']);
  const wayOut = "look it up: {{ env_var('NAME') }} without a default, or secretKeyRef: { name, key }";
  const { password } = spec.postgres ?? {};
  if (typeof password === 'string' && !isLookedUp(password)) {
    report(['spec', 'postgres', 'password'], 'clear-text-secret', `is a secret in clear text; ${wayOut}`);
  }
  for (const [header, value] of Object.entries(spec.http?.headers ?? {})) {
    if (typeof value !== 'string' || !isSecretHeader(header) || isLookedUp(value)) continue;
    report(['spec', 'http', 'headers', header], 'clear-text-secret', `is a secret in clear text; ${wayOut}`);
  }
  if (spec.http && hasPassword(spec.http.url)) {
    report(
      ['spec', 'http', 'url'],
      'clear-text-secret',
      'has a password in clear text; send it as a header with a secretKeyRef',
    );
  }
  const secrets = secretsOf(manifest.value);
  const asked = { secrets: secrets.map(({ name }) => name) };
  reportExcess(context, report, asked, ([, index]) => secrets[Number(index)]?.path);
}

/** The environment variables and secrets that a Connection reads, in the order in which it names them. */
export function connectionReads({ value }: ConnectionManifest): {
  environment: string[];
  secrets: { name: string; key: string }[];
} {
  return {
    environment: stringsOf('ConnectionSpec', value.spec, []).flatMap(({ text }) => environmentNames(text)),
    secrets: secretsOf(value).map(({ name, key }) => ({ name, key })),
  };
}

/** The secrets of a Connection, and where they are named. */
function secretsOf({ spec }: Connection): { name: string; key: string; path: Path }[] {
  const places: [at: Path, value: string | { secretKeyRef: { name: string; key: string } } | undefined][] = [
    [['spec', 'postgres', 'password'], spec.postgres?.password],
    ...Object.entries(spec.http?.headers ?? {}).map(([header, value]): (typeof places)[number] => [
      ['spec', 'http', 'headers', header],
      value,
    ]),
  ];
  return places.flatMap(([path, value]) =>
    typeof value === 'object' ? [{ ...value.secretKeyRef, path: [...path, 'secretKeyRef', 'name'] }] : [],
  );
}
