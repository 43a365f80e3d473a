import type { Client } from '../../controller/api/client.ts';
import type { ManifestPart, VersionManifest } from '../../schemas/generated/types.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

/** Prints what a run, or a pipeline now, is made of: as people wrote it. */
export async function showManifest(name: string, options: AskOptions, terminal: Terminal): Promise<ExitCode> {
  const found = await manifestOf(await connect(options), name);
  if (options.output === 'json') terminal.json(found);
  else terminal.out(partsOf(found, name).map(partText).join('---\n').trimEnd());
  return exitCodes.ok;
}

/** Prints what has changed since a run: its manifest against that of its pipeline today. */
export async function showDifference(run: string, options: AskOptions, terminal: Terminal): Promise<ExitCode> {
  const client = await connect(options);
  const was = await client.runManifest(run);
  const is = await client.pipelineManifest(was.pipeline);
  const changes = was.version === is.version ? [] : await differences(partsOf(was, run), partsOf(is, was.pipeline));
  if (options.output === 'json') terminal.json({ run, ran: sideOf(was), today: sideOf(is), changes });
  else for (const line of differenceLines(was, is, changes, terminal)) terminal.out(line);
  return exitCodes.ok;
}

/** Of a run; where there is none of that name, of a pipeline. */
async function manifestOf(client: Client, name: string): Promise<VersionManifest> {
  return client.runManifest(name).catch(async (error) => {
    if (error?.code !== 'unknown-run') throw error;
    return client.pipelineManifest(name).catch(() => Promise.reject(error));
  });
}

function partsOf({ parts, version }: VersionManifest, name: string): readonly ManifestPart[] {
  if (parts) return parts;
  throw new CommandError(
    exitCodes.failed,
    'no-manifest',
    `version ${version.slice(0, 12)} of "${name}" is older than the keeping of manifests; look it up in the source`,
  );
}

/** With the place before it, in a comment of its own language. */
function partText({ file, line, text }: ManifestPart): string {
  const isSql = file.endsWith('.sql');
  const comment = isSql ? `-- ${file}` : `# ${file}:${line}`;
  return `${comment}\n${text.replace(/^---\n/, '').trimEnd()}\n`;
}

type Change = { readonly name: string; readonly diff: string };

async function differences(was: readonly ManifestPart[], is: readonly ManifestPart[]): Promise<Change[]> {
  const { createTwoFilesPatch } = await import('diff');
  const [before, after] = [was, is].map((parts) => new Map(parts.map((part) => [part.name, part])));
  const textOf = (part: ManifestPart | undefined) => (part ? `${part.text.replace(/^---\n/, '').trimEnd()}\n` : '');
  const labelOf = (part: ManifestPart | undefined) => (part ? part.file : '/dev/null');
  return [...new Set([...was, ...is].map(({ name }) => name))].flatMap((name) => {
    const [one, other] = [before?.get(name), after?.get(name)];
    if (textOf(one) === textOf(other)) return [];
    const patch = createTwoFilesPatch(labelOf(one), labelOf(other), textOf(one), textOf(other), 'then', 'today');
    return [{ name, diff: patch.slice(patch.indexOf('---')).trimEnd() }];
  });
}

function sideOf({ version, source, revision, file, retired }: VersionManifest) {
  return { version, source, revision, file, retired };
}

function differenceLines(
  was: VersionManifest,
  is: VersionManifest,
  changes: readonly Change[],
  { colors }: Terminal,
): string[] {
  const retired = is.retired ? ['Its pipeline is retired; this is what it was at last.'] : [];
  if (was.version === is.version) {
    return [...retired, `Nothing has changed: it ran version ${was.version.slice(0, 12)}, which is today’s.`];
  }
  const head = `Version ${was.version.slice(0, 12)} of ${was.revision.slice(0, 12)} → ${is.version.slice(0, 12)} of ${is.revision.slice(0, 12)}`;
  const none = 'What people wrote is the same; what the program makes of it has changed.';
  const color = (line: string) =>
    line.startsWith('+') ? colors.green(line) : line.startsWith('-') ? colors.red(line) : line;
  const texts = changes.flatMap(({ name, diff }) => ['', colors.bold(name), diff.split('\n').map(color).join('\n')]);
  return [...retired, colors.dim(head), ...(changes.length > 0 ? texts : [none])];
}
