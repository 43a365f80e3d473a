import type { Kubernetes, Resource } from '../kubernetes/client.ts';
import { shortHash } from '../kubernetes/short-names.ts';
import type { WhyName } from './conditions.ts';

export type Happening = {
  readonly type: 'Normal' | 'Warning';
  readonly reason: WhyName;
  readonly message: string;
  /** What makes it another one: the same key on the same object is the same Event. */
  readonly key: string;
};

/** The API server refuses more. */
const messageLimit = 1024;

/** An Event about an object. Its name follows from what happened, so telling it twice makes one. */
export function eventResource(about: Resource, happening: Happening, at: Date): Resource {
  const { name, namespace = 'default', uid = '' } = about.metadata;
  const { type, reason, message, key } = happening;
  const time = at.toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 200)}.${shortHash(`${uid} ${reason} ${key}`)}`, namespace },
    involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid },
    type,
    reason,
    message: message.length > messageLimit ? `${message.slice(0, messageLimit - 1)}…` : message,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    source: { component: 'pipewright' },
    reportingComponent: 'pipewright.dev/controller',
    reportingInstance: 'pipewright',
  };
}

export type Tell = (about: Resource, happening: Happening) => Promise<void>;

export function createTell(options: { kubernetes: Kubernetes; now: () => Date }): Tell {
  return async (about, happening) => {
    await options.kubernetes.create(eventResource(about, happening, options.now()));
  };
}
