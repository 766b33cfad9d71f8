import { methodNameProblem, serviceNameProblem } from "@connect-plugin/protocol";

/** The method that a path names. */
export interface CallTarget {
  readonly service: string;
  readonly method: string;
}

/** Paths that have been looked at. Callers choose them, so the number is bounded. */
const MAX_SEEN = 1_024;
const seen = new Map<string, CallTarget>();

/** Reads a path such as `/kv.v1.KvService/Get`; undefined if it names no method. */
export function targetOf(path: string): CallTarget | undefined {
  const before = seen.get(path);
  if (before !== undefined) return before;
  const slash = path.indexOf("/", 1);
  if (path[0] !== "/" || slash < 0) return undefined;
  const service = path.slice(1, slash);
  const method = path.slice(slash + 1);
  if (serviceNameProblem(service) !== undefined || methodNameProblem(method) !== undefined) return undefined;
  if (seen.size >= MAX_SEEN) seen.clear();
  const target = { service, method };
  seen.set(path, target);
  return target;
}
