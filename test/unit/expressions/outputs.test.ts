import { describe, expect, test } from 'vitest';
import { blockScope, pipelineScope, renderField } from '../../../controller/expressions/pipeline-scope.ts';
import { bindTemplate, evaluateCondition, renderTemplate } from '../../../controller/expressions/template.ts';
import type { CompiledBlock } from '../../../schemas/generated/types.ts';
import { order } from '../executors/jobs/order.ts';

const outputs = { score: { rows: 12, share: 0.5, path: 'gs://a', ok: true, none: null } };
const declared = { variables: { limit: { type: 'integer' as const, default: 10 } }, timeZone: 'UTC' };
const scope = pipelineScope(order({ outputs, variables: { limit: 5 } }), declared);

describe('what a container has put out', () => {
  test.each([
    ['{{ outputs.score.rows }}', 12],
    ['{{ outputs.score.rows + limit }}', 17],
    ['{{ outputs.score.share * 2.0 }}', 1],
    ['{{ outputs.score.path }}/b', 'gs://a/b'],
    ['{{ outputs.score.ok && outputs.score.rows > 11 }}', true],
    ['{{ outputs.score.none }}', null],
  ])('has the type that it was put out with: %s', (text, value) => {
    expect(renderTemplate(text, scope, 'scalar')).toBe(value);
  });

  test('is bound in SQL and decides conditions', () => {
    const bound = bindTemplate('select {{ outputs.score.rows }}', scope);
    expect(bound).toEqual({ sql: 'select $1', parameters: [12] });
    expect(evaluateCondition('outputs.score.rows == 12', scope)).toBe(true);
  });

  test.each([
    ['outputs.score.total', 'block "score" has put out rows, share, path, ok, none and no "total"'],
    ['outputs.other.rows', 'there is no block "other" whose output could be read'],
    ['outputs.score.constructor', 'and no "constructor"'],
    ['outputs.constructor.name', 'there is no block "constructor"'],
  ])('is an error in a sentence where it is not there: %s', (path, sentence) => {
    expect(() => renderField(`{{ ${path} }}`, scope, 'scalar', 'args[0]')).toThrow(sentence);
    expect(() => renderField(`{{ ${path} }}`, scope, 'scalar', 'args[0]')).toThrow(/^args\[0\]: /);
  });

  test('reaches a Block by its parameters alone', () => {
    const block: CompiledBlock = {
      name: 'next',
      from: [],
      needs: ['score'],
      checks: [],
      use: 'next',
      parameters: { rows: '{{ outputs.score.rows }}' },
      parameterTypes: { rows: { type: 'integer' } },
      origin: { file: 'a.yaml', line: 1, column: 1 },
    };
    const inside = blockScope(block, scope);
    expect(renderTemplate('{{ rows }}', inside, 'scalar')).toBe(12);
    expect(() => renderTemplate('{{ outputs.score.rows }}', inside, 'scalar')).toThrow(
      '"outputs.score.rows" is not a name',
    );
  });
});
