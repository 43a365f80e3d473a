import { Ajv2020 } from 'ajv/dist/2020.js';
import * as standalone from 'ajv/dist/standalone/index.js';
import type { Schema } from '../schemas/source/common.ts';

/**
 * Validators as plain code, one function for each of `kinds`: compiling the schemas takes 0.2 s, which every command that reads
 * manifests would pay at its start.
 */
export function validatorModule(
  defs: Record<string, Schema>,
  kinds: readonly string[],
): { code: string; types: string } {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: false,
    unicode: false,
    unicodeRegExp: false,
    inlineRefs: false,
    logger: false,
    code: { esm: true, source: true },
  });
  ajv.addSchema({ $id: 'contracts', $defs: defs });
  for (const kind of kinds) ajv.addSchema({ $id: kind, $ref: `contracts#/$defs/${kind}` });
  const names = Object.fromEntries(kinds.map((kind) => [`is${kind}`, kind]));
  // The default export of a CommonJS module arrives as a property of a property.
  const write = standalone.default as unknown as { default: (ajv: Ajv2020, names: Record<string, string>) => string };
  // Copying all errors so far at each further one takes quadratic time, minutes for a hostile manifest.
  const code = write.default(ajv, names).replaceAll(/vErrors\.concat\((\w+)\.errors\)/g, 'append(vErrors, $1.errors)');
  return { code: `${append}\n${code}\n`, types: typesOf(kinds) };
}

const append = 'function append(all, more) { for (const each of more) all.push(each); return all; }';

function typesOf(kinds: readonly string[]): string {
  const validators = kinds.map((kind) => `export const is${kind}: Validate;`);
  return `
/** One violation of a schema: where in the value, by which keyword, against which part of the schema. */
export type SchemaError = {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
  readonly parentSchema: Readonly<Record<string, unknown>>;
  readonly data: unknown;
};

/** Whether a value fits its schema; if not, \`errors\` holds all violations until the next call. */
export type Validate = { (value: unknown): boolean; errors?: SchemaError[] | null };

${validators.join('\n')}
`.trimStart();
}
