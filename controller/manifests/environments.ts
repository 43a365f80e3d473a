import { didYouMean } from '../expressions/suggest.ts';
import { isOfType } from './check-parameters.ts';
import { type Context, createReport } from './context.ts';
import { environmentFolder, environmentOf } from './environment-folder.ts';
import { at, isSound, type Manifest, type PipelineManifest, type Place } from './manifest.ts';
import type { Memory } from './memory.ts';
import type { Reading } from './read.ts';
import { show } from './schema-faults.ts';

/** What a source holds, with one of its environments laid over the rest. */
export type Overlaid = Reading & {
  /** What environments say, of all of them, each with what it is about; undefined where there is no such manifest. */
  readonly overlays: readonly { readonly overlay: Manifest; readonly base: Manifest | Place | undefined }[];
  /** What the environment says cannot be known, so that nothing of the source may be compiled as if it said nothing. */
  readonly isHidden: boolean;
};

/** Lays an environment over what it changes: Connections are replaced, Pipelines get its defaults of variables. */
export function overlay(reading: Reading, environment: string | undefined, join: Memory['join']): Overlaid {
  const isBase = ({ file }: Place) => environmentOf(file) === undefined;
  const isChosen = ({ file }: Place) => environment !== undefined && environmentOf(file) === environment;
  const base = reading.manifests.filter(isBase);
  const known = new Map<string, Manifest | Place>([...reading.lost.filter(isBase), ...base].map(entry));
  const chosen = new Map(reading.manifests.filter(isChosen).map(entry));
  const lost = new Map(reading.lost.filter(isChosen).map(entry));
  return {
    manifests: base.filter((one) => !lost.has(keyOf(one))).map((one) => overlaid(one, chosen.get(keyOf(one)), join)),
    lost: reading.lost.filter((place) => isBase(place) || (isChosen(place) && known.has(keyOf(place)))),
    unreadable: reading.unreadable.filter((file) => environmentOf(file) === undefined),
    overlays: reading.manifests
      .filter((one) => !isBase(one))
      .map((one) => ({ overlay: one, base: known.get(keyOf(one)) })),
    isHidden:
      reading.unreadable.some((file) => mayApply(file, environment)) ||
      [...reading.lost, ...reading.manifests].some((one) => mayApply(one.file, environment) && !isTied(one, known)),
  };
}

/** Also what lies beside the folders: it was meant for one of them. */
function mayApply(file: string, environment: string | undefined): boolean {
  const of = environmentOf(file);
  return environment !== undefined && (of === environment || of === '');
}

/** Whether it can be told what it would have changed: then only that is broken by what is wrong with it. */
function isTied(one: Place, known: ReadonlyMap<string, unknown>): boolean {
  const isLoose = environmentOf(one.file) === '';
  return !isLoose && (one.kind === 'Connection' || one.kind === 'Pipeline') && known.has(keyOf(one));
}

const keyOf = ({ kind, name }: Place) => `${kind} ${name}`;
const entry = <Each extends Place>(each: Each): [string, Each] => [keyOf(each), each];

function overlaid(base: Manifest, over: Manifest | undefined, join: Memory['join']): Manifest {
  if (over?.kind === 'Connection') return over;
  return over?.kind === 'Pipeline' && base.kind === 'Pipeline'
    ? join(base, over, () => withDefaults(base, over))
    : base;
}

function withDefaults(base: PipelineManifest, over: PipelineManifest): PipelineManifest {
  const path = ['spec', 'variables'];
  const defaults = defaultsOf(over);
  if (!isSound(base, path) || !isSound(over, path)) return { ...base, overlay: over };
  const variables = Object.entries(base.value.spec.variables ?? {}).map(([name, variable]) => [
    name,
    Object.hasOwn(defaults, name) ? { ...variable, default: defaults[name] } : variable,
  ]);
  const spec = { ...base.value.spec, ...(variables.length > 0 && { variables: Object.fromEntries(variables) }) };
  return { ...base, value: { ...base.value, spec }, overlay: over };
}

type Values = Readonly<Record<string, string | number | boolean | null>>;

function defaultsOf({ value }: PipelineManifest): Values {
  const variables = (at(value, ['spec', 'variables']) ?? {}) as Record<string, { default: Values[string] }>;
  return Object.fromEntries(Object.entries(variables).map(([name, variable]) => [name, variable?.default ?? null]));
}

/** Checks what environments say of what there is. Their Connections are checked as all others are, beside this. */
export function checkOverlays(context: Context, { overlays }: Overlaid): void {
  for (const { overlay: over, base } of overlays) {
    if (context.diagnostics.isBroken(over)) continue;
    if (!base) reportNothing(context, over);
    else if (!('value' in base)) continue;
    else if (over.kind === 'Connection') checkSystem(context, over, base);
    else if (over.kind === 'Pipeline' && base.kind === 'Pipeline') checkVariables(context, over, base);
  }
}

function reportNothing(context: Context, over: Manifest): void {
  const { file, kind, name } = over;
  const subject = `${kind.toLowerCase()} "${name}"`;
  const message = `environment "${environmentOf(file)}" changes ${subject}, and there is no such ${kind} outside of ${environmentFolder}${context.hint(kind, name)}`;
  const code = kind === 'Connection' ? 'unknown-connection' : 'unknown-pipeline';
  context.diagnostics.at(over, { path: ['metadata', 'name'] }, code, message);
}

/** Blocks were checked against the system that a Connection is for. */
function checkSystem(context: Context, over: Manifest, base: Manifest): void {
  const [is, was] = [over, base].map(({ value }) => Object.keys((at(value, ['spec']) as object) ?? {}));
  if (is?.length !== 1 || was?.length !== 1 || is[0] === was[0]) return;
  const message = `is another system than the ${was[0]} of the connection that it replaces; keep the system, or add a Connection of another name`;
  createReport(context, over)(['spec', String(is[0])], 'wrong-connection-kind', message, { on: 'key' });
}

function checkVariables(context: Context, over: PipelineManifest, base: PipelineManifest): void {
  const path = ['spec', 'variables'];
  if (!isSound(over, path) || !isSound(base, path)) return;
  const report = createReport(context, over);
  const { variables = {} } = base.value.spec;
  for (const [name, value] of Object.entries(defaultsOf(over))) {
    const declared = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (!declared) {
      const hint = didYouMean(name, Object.keys(variables)) || `; declare it in ${base.file}`;
      report([...path, name], 'bad-variable', `is no variable of the pipeline${hint}`, { on: 'key' });
    } else if (value !== null && !isOfType(value, declared.type)) {
      const fact = `is ${show(value)}, and the variable is of type ${declared.type}; correct the value`;
      report([...path, name, 'default'], 'bad-variable', fact);
    }
  }
}
