import { celEnv } from '@bufbuild/cel';
import { type ScopeNames, expressionNames, typeNames, visibleNames } from './names.ts';
import { type Expr, type Parsed, expressionLimits } from './parse.ts';
import { unknownDirective } from './strftime.ts';
import { didYouMean } from './suggest.ts';

export type ExpressionProblemCode = 'bad-expression' | 'unknown-name' | 'window-needed';

/** A fault in an expression; `offset` and `length` count in its source. */
export type ExpressionProblem = {
  readonly code: ExpressionProblemCode;
  readonly offset: number;
  readonly length: number;
  readonly message: string;
};

type Walk = {
  readonly parsed: Parsed;
  readonly names: ScopeNames;
  readonly problems: ExpressionProblem[];
  readonly environment: string[];
  macros: number;
};

const standard = celEnv().funcs;

/** Walks the syntax tree: unknown names, functions and directives, and the environment variables it reads. */
export function walkExpression(parsed: Parsed, names: ScopeNames): { problems: ExpressionProblem[]; environment: string[] } {
  const walk: Walk = { parsed, names, problems: [], environment: [], macros: 0 };
  visit(walk, parsed.expr, new Set());
  if (walk.macros > expressionLimits.macros) {
    const message = `the expression uses ${walk.macros} of map, filter, all and exists and the limit is ${expressionLimits.macros}; move the logic into SQL`;
    walk.problems.push({ code: 'bad-expression', offset: 0, length: 1, message });
  }
  return walk;
}

function visit(walk: Walk, expr: Expr | undefined, bound: ReadonlySet<string>): void {
  const kind = expr?.exprKind;
  if (!expr || !kind) return;
  switch (kind.case) {
    case 'identExpr':
    case 'selectExpr':
      return visitPath(walk, expr, bound);
    case 'callExpr':
      return visitCall(walk, expr, bound);
    case 'listExpr':
      for (const element of kind.value.elements) visit(walk, element, bound);
      return;
    case 'structExpr':
      if (kind.value.messageName !== '') {
        report(walk, expr, 'unknown-name', kind.value.messageName, `"${kind.value.messageName}" is no type here; write a map without a name`);
      }
      for (const entry of kind.value.entries) {
        if (entry.keyKind.case === 'mapKey') visit(walk, entry.keyKind.value, bound);
        visit(walk, entry.value, bound);
      }
      return;
    case 'comprehensionExpr': {
      const { iterRange, accuInit, iterVar, accuVar, loopCondition, loopStep, result } = kind.value;
      walk.macros++;
      const inner = new Set([...bound, iterVar, accuVar]);
      visit(walk, iterRange, bound);
      visit(walk, accuInit, bound);
      for (const part of [loopCondition, loopStep, result]) visit(walk, part, inner);
    }
  }
}

/** `a`, `a.b.c`: the whole chain is judged at once, since only whole paths are values. */
function visitPath(walk: Walk, expr: Expr, bound: ReadonlySet<string>): void {
  const fields: string[] = [];
  let root: Expr | undefined = expr;
  while (root?.exprKind.case === 'selectExpr') {
    fields.unshift(root.exprKind.value.field);
    root = root.exprKind.value.operand;
  }
  if (root?.exprKind.case !== 'identExpr') return visit(walk, root, bound);
  const name = root.exprKind.value.name.replace(/^\./, '');
  if (bound.has(name)) return;
  const fault = judgePath(walk.names, name, fields);
  if (fault) report(walk, root, fault.code, [name, ...fields].join('.'), fault.message);
}

function judgePath(names: ScopeNames, root: string, fields: string[]): { code: ExpressionProblemCode; message: string } | undefined {
  const path = [root, ...fields].join('.');
  if (names.variables.includes(root)) {
    if (fields.length === 0) return undefined;
    return { code: 'unknown-name', message: `"${root}" is a single value and has no field "${fields[0]}"; write "${root}"` };
  }
  if (typeNames.has(path)) return undefined;
  if (!Object.hasOwn(expressionNames, path)) return unknownPath(names, root, path);
  const { group } = expressionNames[path as keyof typeof expressionNames];
  if (group === 'run') return names.run ? undefined : unknownPath(names, root, path);
  if (names.window === 'hidden') return unknownPath(names, root, path);
  if (names.window === 'present') return undefined;
  return { code: 'window-needed', message: `"${path}" needs a window, and there is none without a schedule; add \`schedule\` to the pipeline or remove the name` };
}

function unknownPath(names: ScopeNames, root: string, path: string): { code: 'unknown-name'; message: string } {
  const visible = visibleNames(names);
  const below = visible.filter((name) => name.startsWith(`${root}.`));
  const meant = didYouMean(path, visible);
  let wayOut = '; there are none, write the value itself';
  if (names.environment) wayOut = "; only env_var('NAME') is";
  if (visible.length > 0) wayOut = `; the names are ${visible.join(', ')}`;
  if (below.length > 0) wayOut = `; the names of "${root}" are ${below.join(', ')}`;
  return { code: 'unknown-name', message: `"${path}" is not a name here${meant || wayOut}` };
}

function visitCall(walk: Walk, expr: Expr, bound: ReadonlySet<string>): void {
  if (expr.exprKind.case !== 'callExpr') return;
  const { function: name, target, args } = expr.exprKind.value;
  if (target) visit(walk, target, bound);
  for (const argument of args) visit(walk, argument, bound);
  if (name === 'env_var' && !target) return visitEnvironment(walk, expr, args);
  if (name === 'format' && target) return visitFormat(walk, expr, args);
  if (/^[a-z]/i.test(name) && !standard.find(name)) {
    const known = [...standard].map((func) => func.name).filter((known) => /^[a-z]/i.test(known));
    const meant = didYouMean(name, [...known, 'format', 'env_var']);
    report(walk, expr, 'unknown-name', name, `"${name}" is no function of CEL${meant || '; the reference lists the functions'}`);
  }
}

function visitEnvironment(walk: Walk, expr: Expr, args: Expr[]): void {
  if (!walk.names.environment) {
    const message = '`env_var` can be used only in a Connection; declare a variable instead';
    return report(walk, expr, 'unknown-name', 'env_var', message);
  }
  const [name, fallback] = args.map(literal);
  const wrong = args.length < 1 || args.length > 2 || name === undefined || (args.length === 2 && fallback === undefined);
  if (wrong || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    const message = "`env_var` takes the name of an environment variable and perhaps a default, both as quoted text: env_var('HOST', 'localhost')";
    return report(walk, expr, 'bad-expression', 'env_var', message);
  }
  walk.environment.push(name);
}

function visitFormat(walk: Walk, expr: Expr, args: Expr[]): void {
  if (args.length < 1 || args.length > 2) {
    return report(walk, expr, 'bad-expression', 'format', "`format` takes a pattern and perhaps a zone: window.start.format('%Y-%m')");
  }
  const pattern = args[0] && literal(args[0]);
  const unknown = pattern === undefined ? undefined : unknownDirective(pattern);
  if (unknown !== undefined) {
    report(walk, expr, 'bad-expression', 'format', `\`format\` knows no directive "${unknown}"; write "%%" for a percent sign`);
  }
}

function literal(expr: Expr): string | undefined {
  if (expr.exprKind.case !== 'constExpr') return undefined;
  const { constantKind } = expr.exprKind.value;
  return constantKind.case === 'stringValue' ? constantKind.value : undefined;
}

function report(walk: Walk, expr: Expr, code: ExpressionProblemCode, text: string, message: string): void {
  const offset = walk.parsed.sourceInfo?.positions[expr.id.toString()] ?? 0;
  walk.problems.push({ code, offset, length: text.length, message });
}
