/** What the command's exit code says. Documented in docs/reference/cli.md and in `--help`. */
export const ExitCode = {
  ok: 0,
  /** What was asked for failed: a call answered with an error, a plugin would not restart. */
  failed: 1,
  /** The command line or the configuration is wrong; nothing was done. */
  usage: 2,
  /** The host did not start, because of an essential plugin. */
  startFailed: 3,
  /** There is no running host where one was looked for. */
  notRunning: 4,
  /** The host stopped but left something behind, a worker that would not end say. */
  leaked: 5,
  /** Ended by a second SIGINT or SIGTERM, without an orderly stop. */
  forced: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** For `--help`. */
export const exitCodeHelp = `
Exit codes:
  0    done
  1    what was asked for failed (a call answered with an error, a plugin did not restart)
  2    the command line or the configuration is wrong; nothing was done
  3    the host did not start, because an essential plugin did not
  4    no host is running for this configuration
  5    the host stopped but something would not end
  130  ended by a second signal, without an orderly stop`;
