import type { Plan } from '../../controller/plan/plan.ts';
import { problemCodes } from '../../schemas/problem-codes.ts';

/** SARIF 2.1.0, for code scanning: problems as errors, what to look at twice as warnings. `folder` is put before every path. */
export function planSarif(plan: Plan, folder: string) {
  const problems = plan.problems.map(({ file, line, column, code, message }) =>
    result({ rule: code, level: 'error', text: message, file, line, column }),
  );
  const warnings = plan.pipelines.flatMap(({ name, file, warnings: own }) =>
    own.map(({ kind, message }) =>
      result({ rule: kind, level: 'warning', text: `pipeline "${name}": ${message}`, file, line: 1, column: 1 }),
    ),
  );
  const results = [...problems, ...warnings];
  const used = [...new Set(results.map(({ ruleId }) => ruleId))].sort();

  function result(found: {
    rule: string;
    level: 'error' | 'warning';
    text: string;
    file: string;
    line: number;
    column: number;
  }) {
    const uri = encodeURI([folder, found.file].filter((part) => part !== '' && part !== '.').join('/'));
    const region = { startLine: found.line, startColumn: found.column };
    return {
      ruleId: found.rule,
      level: found.level,
      message: { text: found.text },
      locations: [{ physicalLocation: { artifactLocation: { uri }, region } }],
    };
  }

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

function ruleText(id: string): string {
  const own: Record<string, string> = {
    destructive: 'A change that data may not survive.',
    permission: 'A pipeline that may reach more than before.',
  };
  return own[id] ?? (problemCodes as Record<string, string>)[id] ?? id;
}
