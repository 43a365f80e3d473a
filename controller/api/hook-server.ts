import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { createApp, listen, maxBodyBytes } from './app.ts';
import { ApiProblem } from './errors.ts';

export type HookApiOptions = {
  /** What the forge was given: it signs with it, or sends it. */
  readonly secret: string;
  /** Told at most once a second, however many pushes there are. */
  readonly onPush: () => void;
  readonly log: Logger;
  /** Ms between two calls of `onPush`; 1,000. */
  readonly gapMs?: number;
  /** Ms in which a hook has to arrive; 10,000, as long as GitHub waits for an answer. */
  readonly requestMs?: number;
};

/** A flood finds the port shut rather than the controller short of memory: what is missed, the next look by the clock sees. */
const mostConnections = 500;

/** A push that was seen is not seen again when somebody else sends it once more. */
const remembered = 1_000;
const signatureFields = ['x-hub-signature-256', 'x-gitea-signature', 'x-forgejo-signature', 'x-hub-signature'] as const;

/**
 * Where a forge tells of pushes: `POST /hooks/git`. Takes what GitHub, Gitea, Forgejo, Bitbucket (HMAC-SHA256 of the body) and GitLab
 * (the secret itself) send, and `Authorization: Bearer` of anybody else. What the body says is not looked at: it is a reason to look
 * at the repository, and no more.
 */
export function createHookApi(options: HookApiOptions) {
  const { secret, log, requestMs = 10_000 } = options;
  const app = createApp(log, { requestMs });
  app.server.maxConnections = mostConnections;
  const tell = createTell(options);
  const seen = new Set<string>();
  app.removeAllContentTypeParsers();
  // Nobody looks at a body, so none is kept.
  app.addContentTypeParser('*', (_request: unknown, body: IncomingMessage) => signatureFor(body, secret));
  // What is refused may have a body that nobody has read, and would go on to send it.
  app.addHook('onSend', async ({ raw }, reply) => {
    if (!raw.complete) reply.header('connection', 'close');
  });
  app.post<{ Body: string | undefined }>(
    '/hooks/git',
    {
      // Before the body is read: whoever shows nothing shall not make us read a megabyte.
      onRequest: async ({ headers }) => {
        if (signatureOf(headers) === undefined && !isSecret(headers, secret)) throw refused();
        if (Number(headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge();
      },
    },
    async ({ headers, body: wanted = createHmac('sha256', secret).digest('hex') }, reply) => {
      const signature = signatureOf(headers);
      if (signature !== undefined) {
        if (!isSame(signature, wanted)) throw refused();
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

function tooLarge(): ApiProblem {
  return new ApiProblem(413, 'too-large', 'a hook has at most 1 MiB; the next look by the clock sees what it told of');
}

/** Hex, without `sha256=`. */
function signatureOf(headers: IncomingHttpHeaders): string | undefined {
  const given = signatureFields.map((field) => headers[field]).find((value) => typeof value === 'string');
  return typeof given === 'string' ? given.replace(/^sha256=/, '').toLowerCase() : undefined;
}

/** The HMAC of a body, which is read to its end; a fault as soon as it is too large. */
function signatureFor(body: IncomingMessage, secret: string): Promise<string> {
  const hmac = createHmac('sha256', secret);
  let bytes = 0;
  return new Promise((resolve, reject) => {
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) reject(tooLarge());
      else hmac.update(chunk);
    });
    body.once('end', () => resolve(hmac.digest('hex')));
    body.once('close', () => reject(new ApiProblem(400, 'bad-request', 'the body ended early; send all of it')));
    body.once('error', reject);
  });
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
