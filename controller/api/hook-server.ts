import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { createApp, listen } from './app.ts';
import { ApiProblem } from './errors.ts';

export type HookApiOptions = {
  /** What the forge was given: it signs with it, or sends it. */
  readonly secret: string;
  /** Told at most once a second, however many pushes there are. */
  readonly onPush: () => void;
  readonly log: Logger;
  /** Ms between two calls of `onPush`; 1,000. */
  readonly gapMs?: number;
};

/** A push that was seen is not seen again when somebody else sends it once more. */
const remembered = 1_000;
const signatureFields = ['x-hub-signature-256', 'x-gitea-signature', 'x-forgejo-signature', 'x-hub-signature'] as const;

/**
 * Where a forge tells of pushes: `POST /hooks/git`. Takes what GitHub, Gitea, Forgejo, Bitbucket (HMAC-SHA256 of the body) and GitLab
 * (the secret itself) send, and `Authorization: Bearer` of anybody else. What the body says is not looked at: it is a reason to look
 * at the repository, and no more.
 */
export function createHookApi(options: HookApiOptions) {
  const { secret, log } = options;
  const app = createApp(log);
  const tell = createTell(options);
  const seen = new Set<string>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post<{ Body: Buffer | undefined }>(
    '/hooks/git',
    {
      // Before the body is read: whoever shows nothing shall not make us read a megabyte.
      onRequest: async ({ headers }) => {
        if (signatureOf(headers) === undefined && !isSecret(headers, secret)) throw refused();
      },
    },
    async ({ headers, body = Buffer.alloc(0) }, reply) => {
      const signature = signatureOf(headers);
      if (signature !== undefined) {
        if (!isSignature(signature, secret, body)) throw refused();
        if (isKnown(signature)) return reply.status(202).send({ ok: true });
      }
      tell.push();
      return reply.status(202).send({ ok: true });
    },
  );

  function isKnown(signature: string): boolean {
    if (seen.has(signature)) return true;
    seen.add(signature);
    const [oldest] = seen;
    if (seen.size > remembered && oldest !== undefined) seen.delete(oldest);
    return false;
  }

  return {
    listen: (address: { host: string; port: number }) => listen(app, address),
    async close(): Promise<void> {
      tell.stop();
      await app.close();
    },
  };
}

/** The first of a burst is told at once, the last one after the gap. */
function createTell({ onPush, gapMs = 1_000 }: HookApiOptions) {
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  const rest = () => {
    timer = undefined;
    if (again) push();
  };
  function push(): void {
    again = timer !== undefined;
    if (again) return;
    onPush();
    timer = setTimeout(rest, gapMs);
  }
  return { push, stop: () => clearTimeout(timer) };
}

function refused(): ApiProblem {
  return new ApiProblem(
    401,
    'bad-signature',
    'neither signature nor token are right; give the forge the secret of this controller',
  );
}

/** Hex, without `sha256=`. */
function signatureOf(headers: IncomingHttpHeaders): string | undefined {
  const given = signatureFields.map((field) => headers[field]).find((value) => typeof value === 'string');
  return typeof given === 'string' ? given.replace(/^sha256=/, '').toLowerCase() : undefined;
}

function isSignature(signature: string, secret: string, body: Buffer): boolean {
  return isSame(signature, createHmac('sha256', secret).update(body).digest('hex'));
}

function isSecret(headers: IncomingHttpHeaders, secret: string): boolean {
  const token = headers['x-gitlab-token'];
  if (typeof token === 'string') return isSame(token, secret);
  return isSame(headers.authorization ?? '', `Bearer ${secret}`);
}

function isSame(given: string, wanted: string): boolean {
  // Of equal length always, so that the time tells nothing.
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
