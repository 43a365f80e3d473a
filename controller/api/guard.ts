import type { FastifyRequest } from 'fastify';
import { ApiProblem } from './errors.ts';

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Keeps web pages out: whoever reaches this port may run pipelines, and a browser on this machine reaches it for any page. A
 * page that has pointed its own name at 127.0.0.1 shows that name in `Host`; a page of another origin shows it in `Origin`;
 * and a form cannot send `application/json`.
 */
export async function guard(request: FastifyRequest): Promise<void> {
  const { host = '', origin } = request.headers;
  if (!loopbackNames.has(host.replace(/:\d*$/, '').toLowerCase())) {
    throw new ApiProblem(403, 'bad-host', `this API answers only to localhost, not to "${host}"; use http://127.0.0.1`);
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new ApiProblem(
      403,
      'bad-origin',
      `a web page of ${origin} may not use this API; ask it outside of a browser`,
    );
  }
  const sends = request.method !== 'GET' && request.method !== 'HEAD';
  if (sends && !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new ApiProblem(415, 'bad-media-type', 'a POST needs `content-type: application/json`');
  }
}
