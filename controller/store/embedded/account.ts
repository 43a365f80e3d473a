import { readFileSync, statSync } from 'node:fs';

/** The user that Postgres runs as. `undefined` means: the user of this process. */
export type Account = { readonly uid: number; readonly gid: number; readonly name: string } | undefined;

/**
 * Postgres refuses to run as root. Root hands it to the owner of a data folder that exists already, else to the user
 * `postgres` if the machine has one, else to `nobody`; no user is ever created. `initdb` needs one with an entry in passwd.
 */
export function chooseAccount(dataFolder: string): Account {
  if (process.getuid?.() !== 0) return undefined;
  const users = readUsers();
  const owner = statSync(dataFolder, { throwIfNoEntry: false })?.uid;
  const found =
    users.find((user) => user.uid === owner && user.uid !== 0) ??
    users.find((user) => user.name === 'postgres') ??
    users.find((user) => user.name === 'nobody');
  if (!found) {
    throw new Error(
      'embedded Postgres: it refuses to run as root, and this machine has neither a user "postgres" nor "nobody"; start Pipewright as another user or set DATABASE_URL',
    );
  }
  return found;
}

function readUsers(): { name: string; uid: number; gid: number }[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map((fields) => ({ name: fields[0] ?? '', uid: Number(fields[2]), gid: Number(fields[3]) }));
}
