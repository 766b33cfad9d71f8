import { type CallFailure, createFailure, type Fault } from "@connect-plugin/protocol";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describeError } from "./describe-error.js";
import { hideValues } from "./hide-values.js";

/** Issues beyond these are counted, not listed. */
const MAX_LISTED = 20;
const MAX_ISSUE_LENGTH = 300;

/** What became of the operator's config. */
export type CheckedConfig =
  | { readonly ok: true; readonly config: unknown }
  | { readonly ok: false; readonly failure: CallFailure };

/**
 * Applies a plugin's schema to what the operator wrote. No config at all is tried as it is and then as an empty
 * object, because that is what an operator means who has nothing to set.
 */
export async function checkConfig(
  plugin: string,
  schema: StandardSchemaV1 | undefined,
  given: unknown,
): Promise<CheckedConfig> {
  const value = given ?? undefined;
  if (schema === undefined) return checkAbsence(plugin, value);
  try {
    let result = await schema["~standard"].validate(value);
    if (result.issues && value === undefined) result = await schema["~standard"].validate({});
    if (!result.issues) return { ok: true, config: result.value };
    const found = value === undefined ? "no config was given, and it takes some" : "its config does not fit";
    return refuse(plugin, `${found}:${listIssues(result.issues, value)}`, "operator");
  } catch (error) {
    const said = hideValues(describeError(error), value, []);
    return refuse(
      plugin,
      `its config schema threw: ${said}. A schema reports issues and does not throw.`,
      "plugin",
    );
  }
}

function checkAbsence(plugin: string, value: unknown): CheckedConfig {
  if (value === undefined) return { ok: true, config: undefined };
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : undefined;
  if (keys?.length === 0) return { ok: true, config: undefined };
  const found =
    keys === undefined ? `a ${typeof value}` : `${keys.map((key) => JSON.stringify(key)).join(", ")}`;
  return refuse(plugin, `it takes no config, but was given ${found}. Take it out.`, "operator");
}

function refuse(plugin: string, message: string, fault: Fault): CheckedConfig {
  const facts = { plugin, phase: "config" };
  return {
    ok: false,
    failure: createFailure("CONFIG_INVALID", `Plugin "${plugin}" cannot start: ${message}`, { fault, facts }),
  };
}

function listIssues(issues: readonly StandardSchemaV1.Issue[], config: unknown): string {
  const lines = issues.slice(0, MAX_LISTED).map((issue) => describeIssue(issue, config));
  if (issues.length === 1) return ` ${lines[0]}`;
  if (issues.length > MAX_LISTED) lines.push(`and ${issues.length - MAX_LISTED} more`);
  return lines.map((line) => `\n  - ${line}`).join("");
}

function describeIssue(issue: StandardSchemaV1.Issue, config: unknown): string {
  const path = (issue.path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment));
  const message = hideValues(String(issue.message), config, path);
  const bounded = message.length > MAX_ISSUE_LENGTH ? `${message.slice(0, MAX_ISSUE_LENGTH)}…` : message;
  return `${describePath(path)}: ${bounded}`;
}

/** As somebody would write it in code: `config.servers[0].port`. */
function describePath(path: readonly PropertyKey[]): string {
  let text = "config";
  for (const key of path) {
    if (typeof key === "number" || (typeof key === "string" && /^\d+$/.test(key))) text += `[${key}]`;
    else if (typeof key === "string" && /^[\w$]+$/.test(key)) text += `.${key}`;
    else text += `[${JSON.stringify(String(key))}]`;
  }
  return text;
}
