import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { embeddedError, type Layout } from './layout.ts';

/** The user that Postgres runs as. `undefined` means: the user of this process. */
export type Account = { readonly uid: number; readonly gid: number; readonly name: string } | undefined;

/**
 * Postgres refuses to run as root. Root hands it to the owner of a folder that exists already, else to the user `postgres`
 * if the machine has one, else to `nobody`; no user is ever created. `initdb` needs one with an entry in passwd.
 */
export function chooseAccount(folder: string): Account {
  if (process.getuid?.() !== 0) return undefined;
  const users = readUsers();
  const owner = statSync(folder, { throwIfNoEntry: false })?.uid;
  const found =
    users.find((user) => user.uid === owner && user.uid !== 0) ??
    users.find((user) => user.name === 'postgres') ??
    users.find((user) => user.name === 'nobody');
  if (found) return found;
  throw embeddedError(
    'it refuses to run as root, and this machine has neither a user "postgres" nor "nobody"',
    'start Pipewright as another user, or set DATABASE_URL',
  );
}

/** Throws one sentence when the account cannot reach the programs or the home. */
export function checkAccess(account: Account, layout: Layout, programs: string): void {
  if (!account) return;
  const subject = `it does not run as root but as user "${account.name}", who cannot enter`;
  const programsBlocked = findBlocked(account, dirname(programs));
  if (programsBlocked) {
    throw embeddedError(
      `${subject} "${programsBlocked}", where its programs are installed`,
      `install Pipewright in a folder that other users can enter, or set DATABASE_URL`,
    );
  }
  const homeBlocked = findBlocked(account, layout.home);
  if (homeBlocked) {
    throw embeddedError(
      `${subject} "${homeBlocked}"`,
      'choose another folder with --home, start as another user, or set DATABASE_URL',
    );
  }
}

/** The topmost folder on the way to `path` (itself included) that the account may not enter. */
function findBlocked(account: NonNullable<Account>, path: string): string | null {
  const above = dirname(path) === path ? null : findBlocked(account, dirname(path));
  return above ?? (mayEnter(account, path) ? null : path);
}

function mayEnter(account: NonNullable<Account>, folder: string): boolean {
  const { mode, uid, gid } = statSync(folder);
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0;
}

function readUsers(): { name: string; uid: number; gid: number }[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map((fields) => ({ name: fields[0] ?? '', uid: Number(fields[2]), gid: Number(fields[3]) }));
}
