/** What a command's exit code means; docs/reference/cli.md and every `--help` say the same. */
export const exitCodes = {
  ok: 0,
  /** The run failed or was refused; `validate`: there are problems. */
  failed: 1,
  /** Wrong usage, or nobody answered; `validate`: it could not look. */
  unable: 2,
} as const;

/** One of `exitCodes`, or 128 and the number of the signal that ended the command. */
export type ExitCode = number;

/** Ends the command with one sentence on stderr. `code` is machine-readable, for `--output json`. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly code: string;
  constructor(exitCode: ExitCode, code: string, message: string) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.code = code;
  }
}
