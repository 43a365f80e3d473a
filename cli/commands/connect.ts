import { userInfo } from 'node:os';
import { type Client, createClient } from '../../controller/api/client.ts';
import type { OutputFormat } from '../terminal.ts';

export type AskOptions = { readonly server: string; readonly output: OutputFormat };

/** The client of the controller that the options name; the audit keeps who asked. */
export function connect({ server }: AskOptions): Client {
  return createClient({ server, actor: `cli:${userName()}` });
}

function userName(): string {
  try {
    return userInfo().username.replace(/[^\w.-]/g, '_');
  } catch {
    // A container may run as a user that has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
