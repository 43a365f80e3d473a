import { celEnv } from '@bufbuild/cel';
import { expressionLimits } from '../../schemas/expressions.ts';
import { type Fault, judgeEnvironment, judgeFormat, judgeFunction, judgePath } from './judge.ts';
import type { ScopeNames } from './names.ts';
import type { Expr, Parsed } from './parse.ts';

/** A fault in an expression; `offset` and `length` count in its source. */
export type ExpressionProblem = Fault & { readonly offset: number; readonly length: number };

type Walk = {
  readonly parsed: Parsed;
  readonly names: ScopeNames;
  readonly problems: ExpressionProblem[];
  readonly environment: string[];
  /** What `has` asks for. */
  readonly questions: Set<string>;
  macros: number;
};

const functions = [...new Set([...celEnv().funcs].map(({ name }) => name))];

/** Walks the syntax tree: unknown names, functions and directives, and the environment variables it reads. */
export function walkExpression(
  parsed: Parsed,
  names: ScopeNames,
): { problems: ExpressionProblem[]; environment: string[] } {
  const walk: Walk = { parsed, names, problems: [], environment: [], questions: new Set(), macros: 0 };
  visit(walk, parsed.expr, new Set());
  if (walk.macros > expressionLimits.macros) {
    const limit = `the limit is ${expressionLimits.macros}; move the logic into SQL`;
    const message = `the expression uses ${walk.macros} of map, filter, all and exists and ${limit}`;
    walk.problems.push({ code: 'bad-expression', offset: 0, length: 1, message });
  }
  // `has(outputs.a.b) ? outputs.a.b : 0` looks first whether the output was written.
  const problems = walk.problems.filter(({ unwritten }) => unwritten === undefined || !walk.questions.has(unwritten));
  return { problems, environment: walk.environment };
}

type Bound = ReadonlySet<string>;
type Kind<Case> = Extract<Expr['exprKind'], { case: Case }>['value'];

function visit(walk: Walk, expr: Expr | undefined, bound: Bound): void {
  const kind = expr?.exprKind;
  if (!expr || !kind) return;
  if (kind.case === 'identExpr' || kind.case === 'selectExpr') visitPath(walk, expr, bound);
  else if (kind.case === 'callExpr') visitCall(walk, expr, kind.value, bound);
  else if (kind.case === 'listExpr') for (const element of kind.value.elements) visit(walk, element, bound);
  else if (kind.case === 'structExpr') visitStruct(walk, expr, kind.value, bound);
  else if (kind.case === 'comprehensionExpr') visitMacro(walk, kind.value, bound);
}

function visitPath(walk: Walk, expr: Expr, bound: Bound): void {
  const fields: string[] = [];
  let root: Expr | undefined = expr;
  while (root?.exprKind.case === 'selectExpr') {
    fields.unshift(root.exprKind.value.field);
    root = root.exprKind.value.operand;
  }
  if (root?.exprKind.case !== 'identExpr') {
    visit(walk, root, bound);
    return;
  }
  const name = root.exprKind.value.name.replace(/^\./, '');
  if (bound.has(name)) return;
  const path = [name, ...fields].join('.');
  const isQuestion = expr.exprKind.case === 'selectExpr' && expr.exprKind.value.testOnly;
  if (isQuestion) walk.questions.add(path);
  report(walk, root, path, judgePath(walk.names, name, fields));
}

function visitCall(walk: Walk, expr: Expr, call: Kind<'callExpr'>, bound: Bound): void {
  const { function: name, target, args } = call;
  for (const operand of target ? [target, ...args] : args) visit(walk, operand, bound);
  if (name === 'env_var' && !target) {
    const judged = judgeEnvironment(walk.names, args);
    if ('name' in judged) walk.environment.push(judged.name);
    else report(walk, expr, name, judged);
  } else if (name === 'format' && target) report(walk, expr, name, judgeFormat(args));
  else report(walk, expr, name, judgeFunction(name, functions));
}

function visitStruct(walk: Walk, expr: Expr, struct: Kind<'structExpr'>, bound: Bound): void {
  const name = struct.messageName;
  if (name !== '') {
    const message = `"${name}" is no type here; write a map without a name`;
    report(walk, expr, name, { code: 'unknown-name', message });
  }
  for (const { keyKind, value } of struct.entries) {
    if (keyKind.case === 'mapKey') visit(walk, keyKind.value, bound);
    visit(walk, value, bound);
  }
}

function visitMacro(walk: Walk, macro: Kind<'comprehensionExpr'>, bound: Bound): void {
  walk.macros++;
  const inner = new Set([...bound, macro.iterVar, macro.accuVar]);
  visit(walk, macro.iterRange, bound);
  visit(walk, macro.accuInit, bound);
  for (const part of [macro.loopCondition, macro.loopStep, macro.result]) visit(walk, part, inner);
}

function report(walk: Walk, expr: Expr, text: string, fault: Fault | undefined): void {
  if (!fault) return;
  const offset = walk.parsed.sourceInfo?.positions[expr.id.toString()] ?? 0;
  walk.problems.push({ ...fault, offset, length: text.length });
}
