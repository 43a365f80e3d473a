import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { refuse } from './explain.ts';
import type { Remote } from './remote.ts';
import { runProgram } from './run.ts';
import { configEnvironment, gitEnvironment } from './settings.ts';

type Options = {
  /** Private, and removed by the caller. */
  readonly folder: string;
  readonly remote: Remote;
  readonly signal: AbortSignal;
};

/**
 * Those whose signatures count, as variables for Git: a keyring of their own, so that neither the keys nor the trust of whoever runs
 * this count. `all`: with SSH keys whose time is over too, to tell them from unknown ones.
 */
export async function openSigners({ folder, remote, signal }: Options) {
  const { pgpKeys = [], allowedSigners = '' } = remote.verify ?? {};
  const keyring = join(folder, 'gnupg');
  await mkdir(keyring, { mode: 0o700 });
  // All keys in it are trusted, and nothing is started or asked for.
  await writeFile(join(keyring, 'gpg.conf'), 'trust-model always\nno-autostart\nno-auto-key-retrieve\nbatch\n');
  const environment = { ...gitEnvironment, GNUPGHOME: keyring };
  for (const input of pgpKeys) {
    const { ok } = await runProgram('gpg', folder, ['--quiet', '--import'], { environment, input, signal });
    if (!ok)
      throw refuse(
        remote,
        'a key of the signers cannot be read; it must be a public key as `gpg --armor --export` writes it',
      );
  }
  const lines = allowedSigners.split(/\r?\n/);
  const now = Date.now();
  const valid = await writeSigners(
    join(folder, 'allowed_signers'),
    lines.filter((line) => !isOver(line, now)),
  );
  const all = await writeSigners(join(folder, 'all_signers'), lines);
  const environmentWith = (file: string) => ({
    GNUPGHOME: keyring,
    ...configEnvironment({
      'gpg.ssh.allowedSignersFile': file,
      'gpg.x509.program': 'false',
      // Unknown is not good enough, though the signature itself is.
      'gpg.minTrustLevel': 'fully',
    }),
  });
  return { valid: environmentWith(valid), all: environmentWith(all) };
}

async function writeSigners(file: string, lines: readonly string[]): Promise<string> {
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** Git asks whether a key was valid when the commit says it was made, and whoever has an old key may say what they like. */
function isOver(line: string, now: number): boolean {
  const [, year, month, day, hours = '0', minutes = '0', seconds = '0', utc] =
    /\bvalid-before="?(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)/i.exec(line) ?? [];
  if (year === undefined) return false;
  const parts = [
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hours),
    Number(minutes),
    Number(seconds),
  ] as const;
  return (utc ? Date.UTC(...parts) : new Date(...parts).getTime()) <= now;
}
