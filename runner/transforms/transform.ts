import type { Engine } from '../engine/engine.ts';
import { firstWord, withoutTerminator } from '../engine/sql-text.ts';
import { type Fragment, statement } from '../engine/statement.ts';
import { toEngineValue } from '../engine/text.ts';
import { TaskFailure } from '../errors.ts';
import type { BoundSql } from './sql-source.ts';

const queries: ReadonlySet<string> = new Set([
  ...['select', 'with', 'from', 'values', 'table', 'pivot', 'unpivot', 'describe', 'summarize', 'show'],
]);

/**
 * The SQL of a transform as a part of a statement. It is one query: what it makes is known by the block's name, and the
 * engine's state is none of its business. Throws `TransformFailed`.
 */
export async function transformFragment(engine: Engine, block: string, bound: BoundSql): Promise<Fragment> {
  const fragment: Fragment = {
    sql: bound.sql,
    parameters: bound.parameters.map(toEngineValue),
    where: `block "${block}"`,
    block,
    locate: bound.locate,
  };
  const word = firstWord(bound.sql);
  if (!queries.has(word)) {
    const message = word === '' ? 'its SQL is empty' : `its SQL begins with "${word}"`;
    throw refusal(fragment, message);
  }
  const count = await engine.countStatements(statement(fragment));
  if (count !== 1) throw refusal(fragment, `its SQL has ${count} statements`);
  return { ...fragment, sql: withoutTerminator(bound.sql) };
}

function refusal({ where, block, locate }: Fragment, fact: string): TaskFailure {
  const { hint: _, ...place } = locate(1, 1);
  return new TaskFailure('TransformFailed', `${where}: ${fact}; write one SELECT`, { block, ...place });
}
