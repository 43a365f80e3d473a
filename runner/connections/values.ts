import {
  ExpressionError,
  renderTemplate,
  type Scalar,
  type ScalarType,
  type Scope,
} from '../../controller/expressions/template.ts';
import { secretVariable } from '../../schemas/secrets.ts';
import { TaskFailure } from '../errors.ts';

/** A secret as a Connection names it: a `secretKeyRef`, or a text whose `{{ env_var() }}` yields it. */
export type SecretValue = string | { secretKeyRef: { name: string; key: string } };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the fields of one Connection; what is missing in the environment becomes `MissingSecret`. */
export type ConnectionValues = {
  text(field: string, template: string): string;
  integer(field: string, template: string | number): number;
  secret(field: string, value: SecretValue): string;
};

export function createConnectionValues(options: {
  name: string;
  scope: Scope;
  environment: Environment;
}): ConnectionValues {
  const { name, environment } = options;
  const scope: Scope = { ...options.scope, env: (variable) => environment[variable] };

  function render(field: string, template: string, as: ScalarType): Scalar {
    try {
      return renderTemplate(template, scope, as);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const reason = error.kind === 'environment' ? 'MissingSecret' : 'ExpressionFailed';
      throw new TaskFailure(reason, `connection "${name}": ${field}: ${error.message}`, {}, error);
    }
  }

  return {
    text: (field, template) => String(render(field, template, 'string')),
    integer: (field, template) => Number(typeof template === 'number' ? template : render(field, template, 'integer')),
    secret(field, value) {
      if (typeof value === 'string') return String(render(field, value, 'string'));
      const variable = secretVariable(value.secretKeyRef);
      const secret = environment[variable];
      if (secret !== undefined) return secret;
      const { name: secretName, key } = value.secretKeyRef;
      const wayOut = `put it into <home>/secrets/${secretName}/${key}, or set ${variable}`;
      throw new TaskFailure(
        'MissingSecret',
        `connection "${name}": ${field}: secret "${secretName}" has no key "${key}"; ${wayOut}`,
      );
    },
  };
}
