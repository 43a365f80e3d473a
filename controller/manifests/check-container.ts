import type { Container } from '../../schemas/generated/types.ts';
import type { Report } from './context.ts';
import type { Path } from './locate.ts';
import { hasPassword, isSecretVariable } from './secrets.ts';

/** Checks what the schema cannot say of a container. `path`: of the container. */
export function checkContainer({ args = [], env = {} }: Container, report: Report, path: Path): void {
  for (const [index, arg] of args.entries()) {
    if (!hasPassword(arg)) continue;
    const message = 'has a password in clear text; give it as a variable in `env` with secretKeyRef: { name, key }';
    report([...path, 'args', index], 'clear-text-secret', message);
  }
  for (const [name, value] of Object.entries(env)) checkVariable(name, value, report, [...path, 'env', name]);
}

function checkVariable(name: string, value: NonNullable<Container['env']>[string], report: Report, path: Path): void {
  if (!/^[A-Za-z_][-.A-Za-z0-9_]*$/.test(name)) {
    const message = 'cannot be the name of a variable; use letters, digits and underscores, beginning with a letter';
    report(path, 'bad-name', message, { on: 'key' });
  } else if (name.startsWith('PIPEWRIGHT_')) {
    report(path, 'bad-name', 'begins with PIPEWRIGHT_, and such names are taken; choose another one', { on: 'key' });
  }
  if (typeof value !== 'string') return;
  if (hasPassword(value) || (isSecretVariable(name) && value !== '' && !value.includes('{{'))) {
    report(path, 'clear-text-secret', 'is a secret in clear text; look it up: secretKeyRef: { name, key }');
  }
}
