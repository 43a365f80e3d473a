import type { CompiledBlock, CompiledTask } from '../schemas/generated/types.ts';

/**
 * Which relations of a task become tables of the engine before anything reads them. All others are parts of the one statement
 * that needs them, so that their rows stream through.
 *
 * A relation becomes a table when
 * - more than one thing reads it (blocks, the artifact store), for else it would be made twice;
 * - a check written as a query reads it (its own, or of a block that reads from it), for that is a second scan;
 * - it has `expect` checks and what reads it is neither an export nor nobody: only at the end of a stream are they counted on the way.
 */
export function relationsToStore(blocks: readonly CompiledBlock[], task: CompiledTask): Set<string> {
  const readers = (name: string) => blocks.filter(({ from }) => from.includes(name));
  const hasQuery = ({ checks }: CompiledBlock) => checks.some(({ sql }) => sql !== undefined);
  const isStored = (block: CompiledBlock) => {
    const reading = readers(block.name);
    const isOutput = task.outputs.includes(block.name);
    const endsStream = !isOutput && reading.every((reader) => reader.export !== undefined);
    return (
      reading.length + (isOutput ? 1 : 0) > 1 ||
      [block, ...reading].some(hasQuery) ||
      (block.checks.length > 0 && !endsStream)
    );
  };
  return new Set(blocks.filter((block) => !block.export && isStored(block)).map(({ name }) => name));
}
