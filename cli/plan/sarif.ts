import type { Plan } from '../../controller/plan/plan.ts';
import { problemCodes } from '../../schemas/problem-codes.ts';

/** SARIF 2.1.0, for code scanning: problems as errors, what to look at twice as warnings. `folder` is put before every path. */
export function planSarif(plan: Plan, folder: string) {
  const results = [...problems(plan), ...sharedWarnings(plan), ...ownWarnings(plan)].map((each) =>
    result(each, folder),
  );
  const used = [...new Set(results.map(({ ruleId }) => ruleId))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'Pipewright', rules: used.map((id) => ({ id, shortDescription: { text: ruleText(id) } })) },
        },
        results,
      },
    ],
  };
}

type Found = {
  readonly rule: string;
  readonly level: 'error' | 'warning';
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
};

function problems(plan: Plan): Found[] {
  return plan.problems.map(({ file, line, column, code, message }) => {
    return { rule: code, level: 'error', text: message, file, line, column };
  });
}

/** What is said once beside a shared change: here each of its pipelines has it, since every result needs a file. */
function sharedWarnings({ pipelines, shared }: Plan): Found[] {
  const fileOf = new Map(pipelines.map(({ name, file }) => [name, file]));
  return shared.flatMap(({ name, pipelines: reached, warnings }) =>
    warnings.flatMap(({ kind, message }) =>
      reached.map((pipeline) => warning(kind, pipeline, `${message} (${name})`, fileOf.get(pipeline) ?? '')),
    ),
  );
}

function ownWarnings({ pipelines }: Plan): Found[] {
  return pipelines.flatMap(({ name, file, warnings }) =>
    warnings.map(({ kind, message }) => warning(kind, name, message, file)),
  );
}

function warning(rule: string, pipeline: string, message: string, file: string): Found {
  return { rule, level: 'warning', text: `pipeline "${pipeline}": ${message}`, file, line: 1, column: 1 };
}

function result({ rule, level, text, file, line, column }: Found, folder: string) {
  const uri = encodeURI([folder, file].filter((part) => part !== '' && part !== '.').join('/'));
  const region = { startLine: line, startColumn: column };
  return {
    ruleId: rule,
    level,
    message: { text },
    locations: [{ physicalLocation: { artifactLocation: { uri }, region } }],
  };
}

function ruleText(id: string): string {
  const own: Record<string, string> = {
    destructive: 'A change that data may not survive.',
    permission: 'A pipeline that may reach more than before.',
    backfill: 'A backfill that runs now and would not end as it began.',
  };
  return own[id] ?? (problemCodes as Record<string, string>)[id] ?? id;
}
