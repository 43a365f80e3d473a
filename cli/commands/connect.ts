import { userInfo } from 'node:os';
import { type Client, createClient } from '../../controller/api/client.ts';
import type { ClusterOptions } from '../forward.ts';
import type { OutputFormat } from '../terminal.ts';

export type AskOptions = ClusterOptions & {
  /** Not given by a plugin of kubectl, which asks the controller of its context. */
  readonly server?: string;
  readonly output: OutputFormat;
};

/** The client of the controller that the options name, in a cluster or at a URL; the audit keeps who asked. */
export async function connect(options: AskOptions): Promise<Client> {
  const inCluster = options.context !== undefined || options.namespace !== undefined;
  const server = inCluster ? undefined : options.server;
  return createClient({ server: server ?? (await forward(options)), actor: `cli:${userName()}` });
}

async function forward(options: ClusterOptions): Promise<string> {
  return (await import('../forward.ts')).forwardToController(options);
}

function userName(): string {
  try {
    return userInfo().username.replace(/[^\w.-]/g, '_');
  } catch {
    // A container may run as a user that has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
