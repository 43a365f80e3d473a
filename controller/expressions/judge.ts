import { expressionNames } from '../../schemas/expressions.ts';
import { containersOf, type OutputNames, type ScopeNames, typeNames, visibleNames } from './names.ts';
import type { Expr } from './parse.ts';
import { unknownDirective } from './strftime.ts';
import { didYouMean } from './suggest.ts';

export type Fault = {
  readonly code: 'bad-expression' | 'unknown-name' | 'window-needed';
  readonly message: string;
  /** An output that a container could have written and has not. */
  readonly unwritten?: string;
};

/** What is wrong with the name `root.field.field` where it stands. The whole chain is judged, since only whole paths are values. */
export function judgePath(names: ScopeNames, root: string, fields: readonly string[]): Fault | undefined {
  const path = [root, ...fields].join('.');
  if (names.variables.includes(root)) {
    if (fields.length === 0) return undefined;
    const message = `"${root}" is a single value and has no field "${fields[0]}"; write "${root}"`;
    return { code: 'unknown-name', message };
  }
  if (typeNames.has(path)) return undefined;
  if (root === 'outputs' && names.outputs) return judgeOutput(names, names.outputs, fields);
  if (!Object.hasOwn(expressionNames, path)) return unknownPath(names, root, path);
  const { group } = expressionNames[path as keyof typeof expressionNames];
  const hidden = group === 'window' ? names.window === 'hidden' : !names.run || group === 'outputs';
  if (hidden) return unknownPath(names, root, path);
  if (group === 'run' || names.window === 'present') return undefined;
  const wayOut = 'add `schedule` to the pipeline or remove the name';
  return {
    code: 'window-needed',
    message: `"${path}" needs a window, and there is none without a schedule; ${wayOut}`,
  };
}

/** `outputs.BLOCK.NAME`: what a container writes is known only when it has run, so NAME may be anything. */
function judgeOutput(names: ScopeNames, outputs: OutputNames, fields: readonly string[]): Fault | undefined {
  const [block, name, ...more] = fields;
  const fault = (message: string): Fault => ({ code: 'unknown-name', message });
  if (block === undefined || name === undefined || more.length > 0) {
    const path = ['outputs', ...fields].join('.');
    return fault(`"${path}" is no output; write outputs.BLOCK.NAME, with a container block and a name that it writes`);
  }
  const state = Object.hasOwn(outputs, block) ? outputs[block] : undefined;
  if (state === 'upstream') return undefined;
  if (typeof state === 'object') {
    const given = state.length === 0 ? 'nothing' : state.join(', ');
    const wayOut = `write {"${name}": …} to its /dev/termination-log`;
    if (state.includes(name)) return undefined;
    return {
      ...fault(`block "${block}" has put out ${given} and no "${name}"; ${wayOut}`),
      unwritten: `outputs.${block}.${name}`,
    };
  }
  if (state === 'elsewhere') {
    return fault(`block "${block}" has not run by then, since this block does not wait for it; add it to \`needs\``);
  }
  if (state === 'none') return fault(`block "${block}" is no container, and only containers have outputs; name one`);
  const containers = containersOf(names);
  const meant = didYouMean(block, containers);
  const known =
    containers.length === 0 ? '; add it to the pipeline and to `needs`' : `; name ${containers.join(' or ')}`;
  return fault(`there is no block "${block}" whose output could be read${meant || known}`);
}

function unknownPath(names: ScopeNames, root: string, path: string): Fault {
  const visible = visibleNames(names);
  const below = visible.filter((name) => name.startsWith(`${root}.`));
  const meant = didYouMean(path, visible);
  let wayOut = '; there are none, write the value itself';
  if (names.environment) wayOut = "; only env_var('NAME') is";
  if (visible.length > 0) wayOut = `; the names are ${visible.join(', ')}`;
  if (below.length > 0) wayOut = `; the names of "${root}" are ${below.join(', ')}`;
  return { code: 'unknown-name', message: `"${path}" is not a name here${meant || wayOut}` };
}

/** A call of a function that CEL does not have; `known` are those that it has. */
export function judgeFunction(name: string, known: readonly string[]): Fault | undefined {
  if (known.includes(name) || !/^[a-z]/i.test(name)) return undefined;
  const named = known.filter((each) => /^[a-z]/i.test(each));
  const meant = didYouMean(name, [...named, 'format', 'env_var']);
  return {
    code: 'unknown-name',
    message: `"${name}" is no function of CEL${meant || '; the reference lists the functions'}`,
  };
}

/** `env_var`: the names that it reads must be known without evaluating. */
export function judgeEnvironment(names: ScopeNames, args: readonly Expr[]): Fault | { readonly name: string } {
  if (!names.environment) {
    const message = '`env_var` can be used only in a Connection; declare a variable instead';
    return { code: 'unknown-name', message };
  }
  const texts = args.map(literal);
  const [name] = texts;
  const complete = args.length === 1 || args.length === 2;
  if (complete && !texts.includes(undefined) && name !== undefined && /^[A-Za-z_]\w*$/.test(name)) return { name };
  const form = "as quoted text: env_var('HOST', 'localhost')";
  return {
    code: 'bad-expression',
    message: `\`env_var\` takes the name of an environment variable and perhaps a default, both ${form}`,
  };
}

export function judgeFormat(args: readonly Expr[]): Fault | undefined {
  if (args.length < 1 || args.length > 2) {
    const message = "`format` takes a pattern and perhaps a zone: window.start.format('%Y-%m')";
    return { code: 'bad-expression', message };
  }
  const pattern = args[0] && literal(args[0]);
  const unknown = pattern === undefined ? undefined : unknownDirective(pattern);
  if (unknown === undefined) return undefined;
  const message = `\`format\` knows no directive "${unknown}"; write "%%" for a percent sign`;
  return { code: 'bad-expression', message };
}

function literal(expr: Expr): string | undefined {
  if (expr.exprKind.case !== 'constExpr') return undefined;
  const { constantKind } = expr.exprKind.value;
  return constantKind.case === 'stringValue' ? constantKind.value : undefined;
}
