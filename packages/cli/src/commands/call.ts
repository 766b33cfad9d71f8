import { type MethodKind, methodKindFromWire } from "@connect-plugin/protocol";
import { Command, Option } from "commander";
import { callJson } from "../call/json-call.js";
import { type MethodName, parseHeader, parseMethod } from "../call/parse-method.js";
import { readRequests } from "../call/read-requests.js";
import { CliError } from "../cli-error.js";
import type { CommandContext } from "../command-context.js";
import { nearest } from "../config/nearest.js";
import { ExitCode } from "../exit-code.js";
import { failureRecord } from "../operator/failure-record.js";
import { type Operator, withOperator } from "../operator/with-operator.js";
import { createOutput } from "../output/output.js";
import { safeText } from "../output/safe-text.js";
import { configOption, durationArgument, jsonOption } from "./shared-options.js";

interface Options {
  readonly config: string;
  readonly json: boolean;
  readonly data: string[];
  readonly header: (readonly [string, string])[];
  readonly timeout?: number;
  readonly plugin?: string;
  readonly verbose?: true;
}

/** Default deadline of a call whose request is not a stream. */
const DEFAULT_TIMEOUT_MS = 30_000;

export function callCommand(context: CommandContext): Command {
  return new Command("call")
    .description(
      "Calls a method of a plugin. Messages are JSON; the responses of a stream are printed one a line.",
    )
    .argument("<method>", "SERVICE/METHOD, such as kv.v1.KVService/Get", parseMethod)
    .addOption(
      new Option(
        "-d, --data <json>",
        "a request message; give it again for each message of a stream; - reads JSON lines from stdin",
      )
        .argParser((text: string, before: string[]) => [...before, text])
        .default([], "{}"),
    )
    .addOption(
      new Option("-H, --header <header>", "a header, as 'name: value'; give it again for more")
        .argParser(parseHeader)
        .default([], "none"),
    )
    .option(
      "-t, --timeout <time>",
      "deadline, such as 500ms, 10s, 2m (default: 30s for unary methods, none for streams)",
      durationArgument,
    )
    .option("-p, --plugin <name>", "the plugin that is to answer, where several could")
    .option("-v, --verbose", "print response headers and trailers to stderr")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  connect-plugin call kv.v1.KVService/Put --data '{"key":"a","value":"aGVsbG8="}'
  connect-plugin call kv.v1.KVService/Watch --data '{"prefix":""}' --timeout 10s
  cat codes.jsonl | connect-plugin call shortener.v1.ShortenerService/ResolveMany --data -`,
    )
    .action(async (name: MethodName, options: Options) => {
      const output = createOutput(options.json, context);
      await withOperator(context, options.config, async (operator) => {
        const kind = await kindOf(operator, name);
        checkRequests(name, kind, options.data);
        const timeout = options.timeout ?? (kind === "unary" ? DEFAULT_TIMEOUT_MS : Number.POSITIVE_INFINITY);
        const { trailer, failure } = await callJson(
          operator.connection,
          {
            ...name,
            kind,
            header: options.header,
            deadline: performance.now() + timeout,
            plugin: options.plugin,
            requests: readRequests(options.data.length === 0 ? ["{}"] : options.data, context.stdin),
            signal: operator.signal,
          },
          {
            header: (header) => tell(header),
            message: (json) => output.result(json, JSON.parse(json) as object),
          },
        );
        tell(trailer);
        if (failure === undefined || operator.signal.aborted) return;
        const { text, record } = failureRecord(failure);
        output.problem(text, record);
        context.setExitCode(ExitCode.failed);
      });

      function tell(metadata: readonly (readonly [string, string])[]): void {
        if (options.verbose) for (const [key, value] of metadata) output.remark(safeText(`${key}: ${value}`));
      }
    });
}

/** A method that takes one message would take the first and never say that there were more. */
function checkRequests({ service, method }: MethodName, kind: MethodKind, data: readonly string[]): void {
  if (data.length < 2 || kind === "client_streaming" || kind === "bidi_streaming") return;
  throw new CliError(
    ExitCode.usage,
    "MESSAGE_INVALID",
    `${service}/${method} takes one request message, found ${data.length} times --data; call it once for each`,
  );
}

/** What kind of method it is, from what the plugins say of themselves. */
async function kindOf({ admin }: Operator, { service, method }: MethodName): Promise<MethodKind> {
  const { services } = await admin.listServices({});
  const offers = services.filter((offer) => offer.service === service);
  if (offers.length === 0) {
    const names = [...new Set(services.map((offer) => offer.service))];
    const alike = nearest(service, names);
    const advice =
      alike === undefined ? `there are: ${names.join(", ") || "none"}` : `did you mean ${alike}?`;
    throw new CliError(ExitCode.failed, "NO_PROVIDER", `no running plugin provides ${service}; ${advice}`);
  }
  const methods = offers.flatMap((offer) => offer.methods);
  const found = methods.find((candidate) => candidate.name === method);
  if (found === undefined) {
    const names = [...new Set(methods.map((candidate) => candidate.name))];
    const alike = nearest(method, names);
    const advice = alike === undefined ? `it has: ${names.join(", ")}` : `did you mean ${alike}?`;
    throw new CliError(ExitCode.failed, "UNKNOWN_METHOD", `${service} has no method ${method}; ${advice}`);
  }
  // A method of no known kind is sent as a stream, which carries every kind.
  return methodKindFromWire(found.kind) ?? "bidi_streaming";
}
