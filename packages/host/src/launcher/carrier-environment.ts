import { describeValue } from "@connect-plugin/protocol";

/**
 * What a child process or worker gets of the host's environment: what programs need to find other programs, their
 * home, a place for temporary files, the language and the time zone. Everything else is the host's own, above all
 * secrets. NODE_OPTIONS would change how every plugin runs and NODE_EXTRA_CA_CERTS costs each start some 45 ms, so both
 * must be asked for.
 */
const PASSED_ON = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "TMPDIR",
  "LANG",
  "LANGUAGE",
  "TZ",
  "NODE_ENV",
] as const;

const PASSED_ON_PREFIX = "LC_";

/**
 * More than the few variables that are passed on anyway: names of others of the host's, or variables with their
 * values, where undefined takes one away.
 */
export type CarrierEnvironment = readonly string[] | Readonly<Record<string, string | undefined>>;

/** The environment of a carrier, complete. */
export function carrierEnvironment(asked: CarrierEnvironment): Record<string, string> {
  // Not to configure this host, which would be an argument: what is read here is passed on.
  const { env } = process;
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && isPassedOn(name)) given[name] = value;
  }
  if (isNames(asked)) {
    for (const name of asked) {
      const value = env[name];
      if (value !== undefined) given[name] = value;
    }
    return given;
  }
  for (const [name, value] of Object.entries(asked)) {
    if (value === undefined) delete given[name];
    else given[name] = value;
  }
  return given;
}

/** @throws TypeError if the option is not what its type says */
export function checkEnvironment(option: string, value: CarrierEnvironment | undefined): CarrierEnvironment {
  if (value === undefined) return [];
  const isText = (one: unknown) => typeof one === "string" && !one.includes("\0");
  const texts = isNames(value) ? value : Object.entries(value).flatMap(([name, text]) => [name, text ?? ""]);
  const wrong = texts.find((one) => !isText(one));
  if (wrong === undefined) return value;
  throw new TypeError(`${option} must hold texts without NUL, but one is ${describeValue(wrong)}`);
}

function isNames(value: CarrierEnvironment): value is readonly string[] {
  return Array.isArray(value);
}

function isPassedOn(name: string): boolean {
  return (PASSED_ON as readonly string[]).includes(name) || name.startsWith(PASSED_ON_PREFIX);
}
