import { duration, object, objectName, ref, type Schema } from './common.ts';
import { boundedText, type Rule, withRules } from './resource-parts.ts';

const secretName = (description: string) =>
  object(
    description,
    {
      name: {
        ...boundedText('Its name: lower-case letters, digits, dashes and dots.', 253),
        pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
      },
    },
    ['name'],
  );

const only = (fields: readonly string[]): Rule => ({
  rule: `[${fields.map((field) => `has(self.${field})`).join(', ')}].filter(given, given).size() == 1`,
  message: `give exactly one of ${fields.join(', ')}`,
});

const refName = (description: string): Schema => ({ ...boundedText(description, 256), pattern: '^[^-\\s]\\S*$' });

const gitRef = withRules(
  object('What is followed: exactly one of these; `branch: main` without any.', {
    branch: refName('A branch; a forced push is followed too.'),
    tag: refName('A tag; one that is moved is followed too.'),
    semver: {
      ...boundedText('A range of versions, such as `>=1.2 <2`: the highest tag in it is followed.', 256),
      minLength: 1,
    },
    commit: {
      ...boundedText('One commit, in all its 40 or 64 digits.', 64),
      pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$',
    },
  }),
  [only(['branch', 'tag', 'semver', 'commit'])],
);

const verify = object(
  'Whose signature is needed. What is unsigned, or signed by anybody else, is refused.',
  {
    mode: { type: 'string', description: 'What must be signed: the commit, or the tag.', enum: ['commit', 'tag'] },
    signersRef: secretName(
      'The secret with the signers: `*.asc` are public keys of GPG, `allowed_signers` names keys of SSH.',
    ),
  },
  ['mode', 'signersRef'],
);

const status = object(
  'The forge that is told how each commit went, with the `password` of the secret.',
  {
    provider: { type: 'string', description: 'Which kind of forge it is.', enum: ['github', 'gitlab', 'gitea'] },
    apiUrl: {
      ...boundedText('Its API, as `https://git.example.org/api/v1`.', 2048),
      pattern: '^https?://[^\\s@]+$',
    },
  },
  ['provider', 'apiUrl'],
);

const git = withRules(
  object(
    'A Git repository.',
    {
      url: {
        ...boundedText('Where it is: `https://…`, `http://…`, `ssh://…`, `git@HOST:PATH` or `file://…`.', 2048),
        pattern: '^(https?://|ssh://|file://|[^/@:\\s]+@[^/:\\s]+:)\\S+$',
      },
      ref: gitRef,
      path: { ...boundedText('The folder with the manifests; the root without it.', 1024), minLength: 1 },
      secretRef: secretName(
        'The secret with the credentials: `username` and `password`, or only `password` for a token; or `identity` and `known_hosts` for ssh; and `ca.crt` for a certificate authority of one’s own.',
      ),
      proxy: {
        ...boundedText('The proxy for http and https, as `http://proxy.example.org:3128`.', 2048),
        pattern: '^(https?|socks5h?)://[^\\s@]+$',
      },
      verify,
      submodules: {
        type: 'boolean',
        description: 'True reads the submodules below the path too, where they are on the same server.',
      },
      status,
    },
    ['url'],
  ),
  [
    {
      rule: "!self.url.matches('^(https?://[^/]*@|ssh://[^/@]*:[^/@]*@)')",
      message: 'the URL holds credentials; put them into a secret and name it in secretRef',
      fieldPath: '.url',
    },
    {
      rule: "!has(self.path) || !self.path.matches('^/|(^|/)[.][.](/|$)')",
      message: 'the path leaves the repository; write one that is relative to its root, without ".."',
      fieldPath: '.path',
    },
    {
      rule: '!has(self.status) || has(self.secretRef)',
      message: 'a status needs a token; name the secret with its password in secretRef',
      fieldPath: '.status',
    },
  ],
);

const folder = object(
  'A folder that the controller can read.',
  {
    path: { ...boundedText('Its absolute path.', 1024), pattern: '^/' },
    at: {
      type: 'string',
      description: '`workingTree`, the default: its files as they are. `head`: as the commit that HEAD names has them.',
      enum: ['workingTree', 'head'],
    },
  },
  ['path'],
);

/** The spec of a PipelineSource, in a file of `start --source` as in a cluster. */
export const sourceSpec = withRules(
  object('Where the manifests are. Exactly one of `git` and `folder`.', {
    git,
    folder,
    interval: {
      ...duration,
      description: 'How often to look for a new revision; 1m by default.',
      maxLength: 32,
    },
    environment: {
      ...objectName,
      description: 'The overlay that applies: the folder `environments/NAME` of the source.',
    },
    suspend: { type: 'boolean', description: 'True stops the sync; pipelines go on with what was read last.' },
    prune: {
      type: 'string',
      description:
        'What becomes of the running runs of a pipeline that is gone: they `finish`, which is the default, or are cancelled.',
      enum: ['finish', 'cancel'],
    },
  }),
  [only(['git', 'folder'])],
);

/** What stands in a file of `start --source`. */
export const sources: Record<string, Schema> = {
  PipelineSource: object(
    'A Git repository or a folder with manifests, in a file of `start --source`.',
    {
      apiVersion: { type: 'string', const: 'pipewright.dev/v1alpha1', description: 'Version of the form.' },
      kind: { type: 'string', const: 'PipelineSource', description: 'Kind of the declaration.' },
      metadata: object('What the source is called.', { name: objectName }, ['name']),
      spec: ref('PipelineSourceResourceSpec'),
    },
    ['apiVersion', 'kind', 'metadata', 'spec'],
  ),
};
