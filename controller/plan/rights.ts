import type { CompiledPipeline } from '../../schemas/generated/types.ts';

type Pipeline = CompiledPipeline;

/** What a pipeline may reach that it could not reach before, a sentence’s part each. */
export function newRights(before: Pipeline | undefined, after: Pipeline): string[] {
  return rights.flatMap(([words, of]) => {
    const [old, now] = [before ? of(before) : [], of(after)].map((list) => [...new Set(list)].sort()) as [
      string[],
      string[],
    ];
    const added = now.filter((each) => !old.includes(each));
    const gone = old.filter((each) => !now.includes(each));
    if (added.length === 1 && gone.length === 1) return [`${words} ${added[0]} instead of ${gone[0]}`];
    return added.map((each) => `${words} ${each}`);
  });
}

const rights: readonly [words: string, of: (pipeline: Pipeline) => string[]][] = [
  ['uses the connection', ({ bundle }) => Object.keys(bundle.connections)],
  ['reads the secret', ({ secrets }) => secrets.map(({ name, key }) => `${name}/${key}`)],
  ['reads the environment variable', ({ environment }) => [...environment]],
  ['contacts', hostsOf],
  ['logs in as', usersOf],
  ['runs the image', (pipeline) => podsOf(pipeline, 'image')],
  ['runs as the service account', (pipeline) => podsOf(pipeline, 'serviceAccount')],
  ['runs in the namespace', (pipeline) => podsOf(pipeline, 'namespace')],
];

function podsOf({ bundle }: Pipeline, field: 'image' | 'serviceAccount' | 'namespace'): string[] {
  const pods = bundle.tasks.flatMap(({ pod }) => (typeof pod?.[field] === 'string' ? [pod[field]] : []));
  const images = field === 'image' ? bundle.blocks.flatMap(({ container }) => container?.image ?? []) : [];
  return [...pods, ...images];
}

/** Hosts as they are written, also where a variable is part of one. */
function hostsOf({ bundle }: Pipeline): string[] {
  const urls = bundle.blocks.flatMap(({ load }) => load?.http?.url ?? []);
  const systems = Object.values(bundle.connections).flatMap(({ http, postgres }) => [
    ...(http ? [http.url] : []),
    ...(postgres ? [`//${postgres.host}`] : []),
  ]);
  return [...urls, ...systems].flatMap((url) => /\/\/([^/?#]+)/.exec(String(url))?.[1] ?? []);
}

function usersOf({ bundle }: Pipeline): string[] {
  return Object.values(bundle.connections).flatMap(({ postgres }) =>
    postgres ? [`${postgres.user} at ${postgres.host}`] : [],
  );
}
