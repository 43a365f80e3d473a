import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../controller/manifests/duration.ts';
import type { OutputFormat } from './terminal.ts';

const shortestRetention = 3_600_000;

/** Options and arguments that several commands take. */
export const serverOption = () =>
  new Option('--server <url>', 'URL of the controller, where none in a cluster is named')
    .env('PIPEWRIGHT_SERVER')
    .default('http://127.0.0.1:6789');
export const contextOption = () =>
  new Option('--context <name>', 'context of the kubeconfig: ask the controller in that cluster');
export const namespaceOption = () =>
  new Option('-n, --namespace <name>', 'with a cluster: namespace of the controller; by default that of the context');
export const databaseOption = () =>
  new Option('--database-url <url>', 'Postgres to keep the ledger in, instead of an embedded one').env('DATABASE_URL');
export const dirOption = (description = 'folder with manifests') =>
  new Option('--dir <dir>', description).default('pipelines');
export const envOption = (
  description = 'environment whose overlay applies: the folder environments/NAME of the source',
) => new Option('--env <name>', description);
export const homeOption = (description = 'folder for all that the controller keeps') =>
  new Option('--home <dir>', description).default('.pipewright');

export function outputOption(description = 'form of what is printed'): Option {
  const formats: OutputFormat[] = ['text', 'json'];
  return new Option('-o, --output <format>', description).choices(formats).default('text');
}

export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

export function integer(min: number, max: number) {
  return (text: string): number => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export function collect(value: string, before: readonly string[]): string[] {
  return [...before, ...value.split(',').filter(Boolean)];
}

export function collectVariables(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write it as name=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** How long something is kept, as `400d`: in ms. */
export function retainOption(flags: string, description: string, fallback?: string): Option {
  const option = new Option(flags, description).argParser((text: string) => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= shortestRetention) return ms;
    throw new InvalidArgumentError('Write it as 400d or 36h; at least an hour, at most ten years.');
  });
  return fallback === undefined ? option : option.default(parseDuration(fallback), fallback);
}
