/** `node tools/check-layers.ts [ROOT]` prints every import that the table in tools/layers.ts does not allow, and exits 1. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Import, importsOf } from './imports.ts';
import { type Layers, layers, pureModules, roomOf } from './layers.ts';

/** Folders without modules of the house: generated text, documentation, what users write, and tests, which may see all. */
const notRooms = new Set(['node_modules', 'dist', 'coverage', 'docs', 'crds', 'pipelines', 'test']);

/** Every violation under `root`, one sentence each, in the order of the files. */
export function checkLayers(root: string, table: Layers = layers): string[] {
  return modulesUnder(root).flatMap((file) => {
    const room = roomOf(file, table);
    if (room === null) return [`${file}:1: lies in no room; give its folder a line in tools/layers.ts`];
    const imports = importsOf(readFileSync(`${root}/${file}`, 'utf8'));
    return imports.flatMap((one) => {
      const problem = judge(file, room, one, table);
      return problem ? [`${file}:${one.line}: ${problem}`] : [];
    });
  });
}

/** Paths of all modules that lie in a folder, relative to `root`; configuration files right under `root` are not counted. */
export function modulesUnder(root: string): string[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !notRooms.has(entry.name) && !entry.name.startsWith('.'),
  );
  return folders
    .flatMap((folder) =>
      readdirSync(`${root}/${folder.name}`, { recursive: true, encoding: 'utf8' }).map((path) =>
        posix.join(folder.name, path.replaceAll('\\', '/')),
      ),
    )
    .filter((path) => /\.(ts|tsx|mts|js|mjs|cjs)$/.test(path) && !path.includes('/node_modules/'))
    .sort();
}

function judge(file: string, room: string, { specifier, typeOnly }: Import, table: Layers): string | null {
  if (specifier === null) return `room "${room}" imports a computed path, which no table can check; write the path out`;
  const rule = table[room];
  if (!rule) return null;
  if (!specifier.startsWith('.')) return judgePackage(room, specifier, rule.pure === true);
  const target = posix.join(posix.dirname(file), specifier);
  const other = roomOf(target, table);
  if (other === null) return `room "${room}" may not import ${target}, which lies in no room; see tools/layers.ts`;
  if (other === room || rule.mayImport.includes(other)) return null;
  const types = rule.mayImportTypes ?? [];
  if (!types.includes(other)) {
    const allowed = [...rule.mayImport, ...types.map((name) => `types of ${name}`)].join(', ') || 'nothing';
    return `room "${room}" may not import room "${other}" (${target}); allowed: ${allowed}`;
  }
  if (typeOnly) return null;
  return `room "${room}" may import only types of room "${other}" (${target}); write \`import type\``;
}

function judgePackage(room: string, specifier: string, pure: boolean): string | null {
  if (!pure || !specifier.startsWith('node:') || pureModules.includes(specifier)) return null;
  return `room "${room}" is pure and may not import "${specifier}"; allowed of Node: ${pureModules.join(', ')}`;
}

if (import.meta.main) {
  const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
  const problems = checkLayers(root);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
