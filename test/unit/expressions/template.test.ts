import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bindTemplate,
  checkCondition,
  checkSql,
  checkTemplate,
  ExpressionError,
  environmentNames,
  evaluateCondition,
  isWholeTemplate,
  renderTemplate,
  type Scope,
  type ScopeNames,
} from '../../../controller/expressions/template.ts';

const window = {
  start: new Date('2019-01-01T05:00:00Z'),
  end: new Date('2019-02-01T05:00:00Z'),
  previousStart: new Date('2018-12-01T05:00:00Z'),
  previousEnd: new Date('2019-01-01T05:00:00Z'),
  nextEnd: new Date('2019-03-01T05:00:00Z'),
  label: '2019-01',
};
const scope: Scope = {
  variables: { base_url: 'https://example.test', limit: 7, ratio: 2, strict: true, nothing: null, flag: 'true' },
  types: { ratio: { type: 'number' } },
  window,
  timeZone: 'America/New_York',
  pipeline: 'taxi',
  run: { name: 'taxi-2019-01', runNo: 2, trigger: 'rerun' },
};
const names: ScopeNames = { variables: ['base_url', 'limit'], window: 'present', run: true, environment: false };
const messages = (text: string, as = names) => checkTemplate(text, as).map(({ message }) => message);
const codes = (text: string, as = names) => checkTemplate(text, as).map(({ code }) => code);

describe('renderTemplate', () => {
  test('writes names, window and run into a text', () => {
    const text =
      "{{ base_url }}/yellow_{{ window.start.format('%Y-%m') }}.csv.gz?run={{ run.name }}-{{ run.no }}&by={{ run.trigger }}&of={{ pipeline.name }}";
    expect(renderTemplate(text, scope, 'string')).toBe(
      'https://example.test/yellow_2019-01.csv.gz?run=taxi-2019-01-2&by=rerun&of=taxi',
    );
  });

  test('formats in the schedule’s zone, and in another one where asked', () => {
    expect(renderTemplate("{{ window.start.format('%F %T %z') }}", scope, 'string')).toBe('2019-01-01 00:00:00 -0500');
    expect(renderTemplate("{{ window.start.format('%F %T', 'Asia/Tokyo') }}", scope, 'string')).toBe(
      '2019-01-01 14:00:00',
    );
  });

  test('reads calendar fields in the schedule’s zone, whatever the zone of the process', () => {
    expect(renderTemplate('{{ window.start.getHours() }}', scope, 'integer')).toBe(0);
    expect(renderTemplate("{{ window.start.getHours('+02:00') }}", scope, 'integer')).toBe(7);
    expect(renderTemplate('{{ window.start.getDayOfWeek() }}', scope, 'integer')).toBe(2);
    expect(renderTemplate('{{ window.previous.start.getMonth() }}', scope, 'integer')).toBe(11);
  });

  test('gives Mage’s names Mage’s meaning: the execution date is the window’s end', () => {
    expect(renderTemplate('{{ mage.execution_date }}', scope, 'string')).toBe('2019-02-01T05:00:00Z');
    expect(renderTemplate('{{ mage.interval_start_datetime == window.end }}', scope, 'boolean')).toBe(true);
    expect(renderTemplate('{{ mage.interval_end_datetime }}', scope, 'string')).toBe('2019-03-01T05:00:00Z');
    expect(renderTemplate('{{ mage.interval_start_datetime_previous == window.start }}', scope, 'boolean')).toBe(true);
    expect(renderTemplate('{{ mage.interval_seconds }}', scope, 'integer')).toBe(31 * 86400);
  });

  test('keeps the type of a value that is the whole text, and makes a string of any other', () => {
    expect(renderTemplate('{{ limit }}', scope, 'scalar')).toBe(7);
    expect(renderTemplate('{{ strict }}', scope, 'scalar')).toBe(true);
    expect(renderTemplate('{{ nothing }}', scope, 'scalar')).toBe(null);
    expect(renderTemplate('{{ limit }} ', scope, 'scalar')).toBe('7 ');
    expect(renderTemplate('no braces', scope, 'scalar')).toBe('no braces');
    expect(renderTemplate('', scope, 'string')).toBe('');
  });

  test('converts to the type that the field has', () => {
    expect(renderTemplate("{{ '7' }}", scope, 'integer')).toBe(7);
    expect(renderTemplate('{{ 7.0 }}', scope, 'integer')).toBe(7);
    expect(renderTemplate('{{ limit }}{{ limit }}', scope, 'integer')).toBe(77);
    expect(renderTemplate("{{ '1e3' }}", scope, 'number')).toBe(1000);
    expect(renderTemplate('{{ flag }}', scope, 'boolean')).toBe(true);
    expect(renderTemplate('5432', scope, 'integer')).toBe(5432);
  });

  test.each([
    ["{{ '7.5' }}", 'integer', '{{ \'7.5\' }} is "7.5", which is not an integer; correct the value'],
    ['{{ base_url }}', 'number', '{{ base_url }} is "https://example.test", which is not a number; correct the value'],
    ['{{ limit }}', 'boolean', '{{ limit }} is 7, which is not true or false; correct the value'],
    ['{{ nothing }}', 'integer', '{{ nothing }} is null, which is not an integer; correct the value'],
    ['a{{ nothing }}', 'string', '{{ nothing }} is null and cannot be part of a text; give it a value'],
    ["{{ ' ' }}", 'number', '{{ \' \' }} is " ", which is not a number; correct the value'],
    ["{{ '0x10' }}", 'number', '{{ \'0x10\' }} is "0x10", which is not a number; correct the value'],
    [
      '{{ 9007199254740993 }}',
      'scalar',
      '{{ 9007199254740993 }} is 9007199254740993, which is too large for an exact number; turn it into text with string()',
    ],
  ] as const)('refuses %s as %s and names the value', (text, as, message) => {
    expect(() => renderTemplate(text, scope, as)).toThrow(new ExpressionError(message));
  });

  test('calculates with declared numbers as doubles and with other whole numbers as integers', () => {
    expect(renderTemplate('{{ ratio * 1.5 }}', scope, 'number')).toBe(3);
    expect(renderTemplate('{{ limit / 2 }}', scope, 'integer')).toBe(3);
  });

  test('fails with a sentence when the library reports an error', () => {
    expect(() => renderTemplate('{{ 1 / (limit - 7) }}', scope, 'integer')).toThrow(
      /^\{\{ 1 \/ \(limit - 7\) \}\}: .*zero/,
    );
    expect(() => renderTemplate('{{ base_url + 1 }}', scope, 'string')).toThrow(ExpressionError);
    expect(() => renderTemplate("{{ window.start.format('%F', 'Mars/Base') }}", scope, 'string')).toThrow(
      ExpressionError,
    );
    expect(() => renderTemplate('{{ [1, 2] }}', scope, 'scalar')).toThrow('yields a value of type list');
  });

  test('knows no property of JavaScript as a name', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'globalThis', 'process']) {
      expect(() => renderTemplate(`{{ ${name} }}`, scope, 'scalar')).toThrow('is not a name here');
    }
    expect(() => renderTemplate('{{ base_url.constructor }}', scope, 'scalar')).toThrow('is a single value');
  });

  test('refuses names of the window in a run without one', () => {
    expect(() => renderTemplate('{{ window.start }}', { ...scope, window: null }, 'string')).toThrow('needs a window');
  });

  test('lets strings and maps inside an expression contain closing braces', () => {
    expect(renderTemplate('<{{ \'}}\' + "}}" }}>', scope, 'string')).toBe('<}}}}>');
    expect(renderTemplate("{{ {'a': {'b': 1}}['a']['b'] }}", scope, 'scalar')).toBe(1);
    expect(renderTemplate("{{ r'\\' + '\\'}}' }}", scope, 'string')).toBe("\\'}}");
  });

  test('returns any text without braces unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('{{'));
        expect(renderTemplate(text, scope, 'string')).toBe(text);
        expect(checkTemplate(text, names)).toEqual([]);
      }),
    );
  });

  test('returns any string that is written as a CEL literal', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (value) => {
        const literal = JSON.stringify(value).replaceAll('\\/', '/');
        expect(renderTemplate(`{{ ${literal} }}`, scope, 'string')).toBe(value);
      }),
    );
  });
});

describe('env_var', () => {
  const env = { HOST: 'db.test', EMPTY: '' } as Record<string, string>;
  const connection: Scope = { variables: {}, window: null, timeZone: 'UTC', env: (name) => env[name] };
  const connectionNames: ScopeNames = { variables: [], window: 'hidden', run: false, environment: true };

  test('reads a variable, keeps an empty one, and falls back to the default', () => {
    expect(renderTemplate("{{ env_var('HOST') }}", connection, 'string')).toBe('db.test');
    expect(renderTemplate("<{{ env_var('EMPTY', 'x') }}>", connection, 'string')).toBe('<>');
    expect(renderTemplate("{{ env_var('PORT', '5432') }}", connection, 'integer')).toBe(5432);
  });

  test('fails as an error of the environment when the variable is not set', () => {
    try {
      renderTemplate("{{ env_var('PORT') }}", connection, 'integer');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        kind: 'environment',
        message:
          "environment variable PORT is not set or not let through by --allow-env; set it or give a default: env_var('PORT', '…')",
      });
    }
  });

  test('is known only in Connections', () => {
    expect(messages("{{ env_var('HOST') }}")).toEqual([
      '`env_var` can be used only in a Connection; declare a variable instead',
    ]);
    expect(messages("{{ env_var('HOST') }}", connectionNames)).toEqual([]);
    expect(messages('{{ HOST }}', connectionNames)).toEqual(['"HOST" is not a name here; only env_var(\'NAME\') is']);
    expect(() => renderTemplate("{{ env_var('HOST') }}", scope, 'string')).toThrow('only in a Connection');
  });

  test('needs its name as a literal, so that the names are known without evaluating', () => {
    expect(codes("{{ env_var('A' + 'B') }}", connectionNames)).toEqual(['bad-expression']);
    expect(codes("{{ env_var('A-B') }}", connectionNames)).toEqual(['bad-expression']);
    expect(codes('{{ env_var() }}', connectionNames)).toEqual(['bad-expression']);
    expect(environmentNames("{{ env_var('A') }}:{{ env_var('B', 'x') + env_var('A') }}")).toEqual(['A', 'B']);
    expect(environmentNames('plain')).toEqual([]);
  });
});

describe('checkTemplate', () => {
  test('accepts every name that the scope has', () => {
    expect(
      messages(
        "{{ base_url }}{{ limit > 3 && window.previous.end < window.start ? run.name : pipeline.name }}{{ size('a') }}",
      ),
    ).toEqual([]);
  });

  test('reports an unknown name with its place and what was meant', () => {
    expect(checkTemplate('x{{ base_ulr }}', names)).toEqual([
      {
        code: 'unknown-name',
        offset: 4,
        length: 8,
        message: '"base_ulr" is not a name here; did you mean "base_url"?',
      },
    ]);
    expect(messages('{{ window.strat }}')).toEqual(['"window.strat" is not a name here; did you mean "window.start"?']);
    expect(messages('{{ limit.size }}')).toEqual(['"limit" is a single value and has no field "size"; write "limit"']);
    expect(messages('{{ window }}')[0]).toContain('the names of "window" are window.start, window.end');
    expect(messages("{{ window['start'] }}")[0]).toContain('"window" is not a name here');
    expect(messages('{{ siez(base_url) }}')).toEqual(['"siez" is no function of CEL; did you mean "size"?']);
  });

  test('reports every fault of every expression in one go', () => {
    expect(codes('{{ a }}{{ 1 + }}{{ window.start.format("%Q") }}{{ b')).toEqual([
      'unknown-name',
      'bad-expression',
      'bad-expression',
      'bad-expression',
    ]);
  });

  test('knows the variables that a macro binds, and only inside it', () => {
    expect(messages('{{ [1, 2].exists(x, x > limit) }}')).toEqual([]);
    expect(codes('{{ [1].exists(x, y > 0) || x }}')).toEqual(['unknown-name', 'unknown-name']);
  });

  test('tells names of the window apart from unknown names where there is no schedule', () => {
    expect(codes('{{ window.start }}{{ mage.execution_date }}', { ...names, window: 'absent' })).toEqual([
      'window-needed',
      'window-needed',
    ]);
    expect(codes('{{ window.start }}', { ...names, window: 'hidden' })).toEqual(['unknown-name']);
  });

  test('hides run and pipeline inside a Block', () => {
    expect(codes('{{ run.name }}{{ pipeline.name }}', { ...names, run: false })).toEqual([
      'unknown-name',
      'unknown-name',
    ]);
  });

  test('refuses long, deep and multiplying expressions', () => {
    expect(messages(`{{ '${'x'.repeat(2000)}' }}`)[0]).toContain('the limit is 2000');
    expect(messages(`{{ ${'('.repeat(33)}1${')'.repeat(33)} }}`)[0]).toContain('deeper than 32');
    expect(messages(`{{ ${'('.repeat(32)}1${')'.repeat(32)} }}`)).toEqual([]);
    expect(messages(`{{ '${'('.repeat(40)}' }}`)).toEqual([]);
    expect(messages('{{ [1].map(x, x).map(x, x).map(x, x) }}')[0]).toContain('the limit is 2');
  });

  test('is quick on every short text', () => {
    const alphabet = [
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '{{',
      '}}',
      "'",
      '"',
      '\\',
      'a',
      '.',
      ',',
      '?',
      ':',
      '!',
      '-',
      '+',
      '1',
      ' ',
      'map(x,',
      "r'",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...alphabet), { maxLength: 300 }), (parts) => {
        const text = parts.join('');
        for (const { offset, length } of checkTemplate(`{{${text}}}`, names))
          expect(offset + length).toBeLessThanOrEqual(text.length + 5);
      }),
      { numRuns: 300 },
    );
  });
});

describe('conditions', () => {
  test('evaluate to a boolean', () => {
    expect(evaluateCondition("window.start.getMonth() == 0 && run.trigger in ['rerun', 'manual']", scope)).toBe(true);
    expect(() => evaluateCondition('limit', scope)).toThrow(
      'the condition "limit" yields 7, which is neither true nor false; compare it with something',
    );
  });

  test('are written without braces', () => {
    expect(checkCondition('{{ strict }}', names)[0]?.message).toBe(
      'a condition is an expression by itself; write it without {{ }}',
    );
    expect(checkCondition('limt > 3', names)[0]).toMatchObject({ code: 'unknown-name', offset: 0, length: 4 });
    expect(checkCondition(' ', names)[0]?.message).toContain('empty');
  });
});

describe('SQL', () => {
  test('gets a positional parameter for each expression, never its text', () => {
    const sql =
      'select * from t where at >= {{ window.start }} and n < {{ limit }} and u = {{ "\'; drop table t; --" }}';
    expect(bindTemplate(sql, scope)).toEqual({
      sql: 'select * from t where at >= $1 and n < $2 and u = $3',
      parameters: [window.start, 7, "'; drop table t; --"],
    });
  });

  test.each([
    ["select '{{ limit }}'", 'a string literal'],
    ["select 'it''s {{ limit }}'", 'a string literal'],
    ["select E'\\' {{ limit }}'", 'a string literal'],
    ['select $$ {{ limit }} $$', 'a string literal'],
    ['select $q$ $$ {{ limit }} $q$', 'a string literal'],
    ['select "{{ limit }}"', 'a quoted identifier'],
    ['select 1 -- {{ limit }}', 'a comment'],
    ['select 1 /* /* */ {{ limit }} */', 'a comment'],
  ])('refuses an expression in quotes or comments: %s', (sql, section) => {
    const [problem] = checkSql(sql, names);
    expect(problem).toMatchObject({ code: 'quoted-expression', offset: sql.indexOf('{{'), length: 11 });
    expect(problem?.message).toContain(`stands inside ${section}`);
  });

  test.each([
    "select 'a' || {{ limit }}",
    "select 'it''s' || {{ limit }}",
    "select E'\\'' || {{ limit }}",
    "select '\\' || {{ limit }}",
    "select date'2019-01-01' + {{ limit }}",
    "select $$ ' $$ || {{ limit }}",
    "select 1 -- it's\n + {{ limit }}",
    'select 1 /* \' /* */ " */ + {{ limit }}',
    'select "a""b" + {{ limit }}',
  ])('accepts an expression behind them: %s', (sql) => {
    expect(checkSql(sql, names)).toEqual([]);
  });

  test('names the way out', () => {
    expect(checkSql("select '{{ limit }}'", names)[0]?.message).toBe(
      '{{ limit }} stands inside a string literal; remove the quotes: the value is bound as a parameter',
    );
  });
});

test('a text is a whole template only when nothing stands around the braces', () => {
  expect(['{{ a }}', '{{a}} ', '{{a}}{{b}}', 'a', '{{ a', "{{ '}}' }}"].map(isWholeTemplate)).toEqual([
    true,
    false,
    false,
    false,
    false,
    true,
  ]);
});
