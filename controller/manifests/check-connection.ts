import { environmentNames } from '../expressions/template.ts';
import { checkOneForm } from './check-body.ts';
import { checkTexts } from './check-texts.ts';
import type { Context } from './context.ts';
import { createReport } from './context.ts';
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
    names: { variables: [], window: 'hidden', run: false, environment: true },
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
}

/** The environment variables and secrets that a Connection reads, in the order in which it names them. */
export function connectionReads({ value }: ConnectionManifest): {
  environment: string[];
  secrets: { name: string; key: string }[];
} {
  const { spec } = value;
  const secrets = [spec.postgres?.password, ...Object.values(spec.http?.headers ?? {})];
  return {
    environment: stringsOf('ConnectionSpec', spec, []).flatMap(({ text }) => environmentNames(text)),
    secrets: secrets.flatMap((secret) => {
      if (typeof secret !== 'object') return [];
      const { name, key } = secret.secretKeyRef;
      return [{ name, key }];
    }),
  };
}
