import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

type Pair = { readonly from: Socket; readonly to: Socket };

/**
 * A stretch of network between a client and a server that can be cut. While it is, nothing passes and nothing is refused, as where
 * packets are dropped: what is under way waits, what begins hangs. Joined again, it goes on where it stood, as TCP does.
 */
export async function createLink(options: {
  host: string;
  /** Where the next connection leads; asked anew for each. The first of them that answers is taken. */
  to: () => readonly { host: string; port: number }[];
}) {
  const pairs = new Set<Pair>();
  const forgotten = new Set<Pair>();
  const waiting = new Set<Socket>();
  let isCut = false;

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (from) => {
    from.on('error', () => {});
    if (isCut) waiting.add(from);
    else void join(from, options.to());
  });

  async function join(from: Socket, targets: readonly { host: string; port: number }[]): Promise<void> {
    for (const target of targets) {
      const to = connect({ ...target, allowHalfOpen: true });
      to.on('error', () => {});
      if (!(await once(to, 'connect').catch(() => null))) continue;
      const pair = { from, to };
      pairs.add(pair);
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        one.on('close', () => {
          pairs.delete(pair);
          forgotten.delete(pair);
          other.destroy();
        });
      }
      if (isCut) waiting.add(from);
      else flow(pair);
      return;
    }
    from.destroy();
  }

  function flow({ from, to }: Pair): void {
    from.pipe(to);
    to.pipe(from);
  }

  function hold(): void {
    for (const { from, to } of pairs) {
      from.unpipe(to).pause();
      to.unpipe(from).pause();
    }
  }

  server.listen(0, options.host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    port,
    cut(): void {
      isCut = true;
      hold();
    },
    /** As a firewall that has lost its state: connections that are open never carry anything again, new ones do. */
    forget(): void {
      hold();
      for (const pair of pairs) forgotten.add(pair);
      pairs.clear();
    },
    join(): void {
      isCut = false;
      for (const pair of pairs) flow(pair);
      for (const from of waiting) if (![...pairs].some((pair) => pair.from === from)) void join(from, options.to());
      waiting.clear();
    },
    async close(): Promise<void> {
      server.close();
      for (const from of waiting) from.destroy();
      for (const { from, to } of [...pairs, ...forgotten]) for (const one of [from, to]) one.destroy();
    },
  };
}
