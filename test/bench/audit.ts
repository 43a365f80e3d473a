import { readFileSync } from 'node:fs';

/** A write that the API server answered, from its audit log. */
export type AuditEvent = {
  readonly verb: string;
  /** With the subresource: `pipelineruns/status`. */
  readonly resource: string;
  readonly name: string;
  readonly agent: string;
  readonly status: number;
  /** Ms since 1970. */
  readonly receivedAt: number;
  readonly answeredAt: number;
};

type Line = {
  readonly verb: string;
  readonly userAgent?: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
};

export function readAudit(path: string): AuditEvent[] {
  // The last line may be half written.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const { verb, userAgent = '', objectRef = {}, responseStatus, ...times } = JSON.parse(line) as Line;
    const { resource = '', subresource, name = '' } = objectRef;
    return {
      verb,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      name,
      agent: userAgent,
      status: responseStatus?.code ?? 0,
      receivedAt: Date.parse(times.requestReceivedTimestamp),
      answeredAt: Date.parse(times.stageTimestamp),
    };
  });
}

/** Jobs that an agent created. */
export function createdJobs(events: readonly AuditEvent[], agent: string): AuditEvent[] {
  return events.filter(
    (event) => event.verb === 'create' && event.resource === 'jobs' && event.status === 201 && event.agent === agent,
  );
}

/** How many a second, from the first request to the last answer. */
export function ratePerSecond(events: readonly AuditEvent[]): number {
  const first = Math.min(...events.map(({ receivedAt }) => receivedAt));
  const last = Math.max(...events.map(({ answeredAt }) => answeredAt));
  return (events.length / (last - first)) * 1_000;
}

/** What the controller wrote. What kubelets write is left out, whoever plays one. */
export function controllerWrites(events: readonly AuditEvent[]): AuditEvent[] {
  return events.filter(({ agent, resource }) => agent === 'pipewright' && !/^(nodes|pods\/status)/.test(resource));
}

/** What the controller wrote for a number of runs. */
export function writesPerRun(events: readonly AuditEvent[], runs: number) {
  const own = controllerWrites(events);
  const groups = Map.groupBy(own, ({ verb, resource }) => `${verb} ${resource}`);
  const writes = [...groups]
    .map(([what, those]): [string, number] => [what, those.length])
    .sort(([, a], [, b]) => b - a);
  return { writesPerRun: Math.round((own.length / runs) * 100) / 100, writes: Object.fromEntries(writes) };
}
