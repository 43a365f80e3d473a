import { readdirSync, readFileSync } from 'node:fs';

/** Processor seconds since their start, those of ended children included. */
export type Cost = { readonly controller: number; readonly postgres: number; readonly runners: number };

/** What a controller on a home of its own, its Postgres and its runners have taken so far. Linux only. */
export function costOf(pid: number, home: string): Cost {
  const cost = { controller: 0, postgres: 0, runners: 0 };
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [own, ended] = ticksOf(id);
      const kind = kindOf(id, home);
      if (Number(id) === pid) {
        cost.controller += own / 100;
        // Of those it started only runners end before it does.
        cost.runners += ended / 100;
      } else if (kind) cost[kind] += (own + ended) / 100;
    } catch {
      // It ended while it was looked at.
    }
  }
  return cost;
}

function statOf(id: string): string[] {
  return readFileSync(`/proc/${id}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
}

function ticksOf(id: string): [own: number, ended: number] {
  const [user, system, endedUser, endedSystem] = statOf(id).slice(11, 15).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return [user + system, endedUser + endedSystem];
}

function kindOf(id: string, home: string): 'postgres' | 'runners' | null {
  const command = (of: string | undefined) => readFileSync(`/proc/${of}/cmdline`, 'utf8');
  if (command(id).includes(`${home}/attempts`)) return 'runners';
  const isPostgres = [id, statOf(id)[1]].some((each) => command(each).includes(`${home}/postgres`));
  return isPostgres ? 'postgres' : null;
}
