import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { PageError } from '../store/reads-page.ts';

/** An answer other than success; `message` is a sentence with the way out. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'ApiProblem';
    this.status = status;
    this.code = code;
  }
}

/** Every error leaves as `ApiError`. What nobody foresaw is logged, and told without its inside. */
export function errorHandler(log: Logger) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const known = problemOf(error);
    if (!known) log.error({ err: error, method: request.method, url: request.url }, 'a request failed');
    const { status, code, message } =
      known ?? new ApiProblem(500, 'internal', 'the controller failed to answer; its log says why');
    void reply.status(status).send({ error: message, code });
  };
}

function problemOf(error: FastifyError): ApiProblem | null {
  if (error instanceof ApiProblem) return error;
  if (error instanceof PageError) return new ApiProblem(400, 'bad-page', error.message);
  if (error.validation) return new ApiProblem(400, 'bad-request', `the request is not valid: ${error.message}`);
  if (error.statusCode === 415) {
    return new ApiProblem(415, 'bad-media-type', 'a POST needs `content-type: application/json`');
  }
  if (error.statusCode === 413) return new ApiProblem(413, 'too-large', 'a body has at most 1 MiB; send less at once');
  const status = error.statusCode ?? 500;
  return status < 500 ? new ApiProblem(status, 'bad-request', `the request is not valid: ${error.message}`) : null;
}

/** Codes of refused requests that are not simply a bad request. */
const statusOfCode: Record<string, number> = {
  'unknown-pipeline': 404,
  'unknown-run': 404,
  'unknown-backfill': 404,
  live: 409,
  settled: 409,
  retired: 409,
};

export function refusal(result: { error: string; code: string }): ApiProblem {
  return new ApiProblem(statusOfCode[result.code] ?? 400, result.code, result.error);
}

export function noPipeline(name: string): never {
  throw new ApiProblem(404, 'unknown-pipeline', `there is no pipeline "${name}"; \`pipewright pipelines\` lists them`);
}
