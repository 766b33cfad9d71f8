import { pluginNameProblem } from "@connect-plugin/protocol";
import { z } from "zod";
import { nearest } from "./nearest.js";

/**
 * What `connect-plugin.yaml` may say: the one source of the checks, of the published JSON Schema and of the type.
 */
const milliseconds = z
  .number()
  .int()
  .positive()
  .max(24 * 3_600_000);

/** Another scheme would, as a path, only give a confusing "not found". */
function isPathOrFileUrl(entry: string): boolean {
  return !entry.includes("\0") && (entry.startsWith("file:") || !/^[a-z][a-z0-9+.-]+:/i.test(entry));
}

function checkNames(plugins: object, context: z.RefinementCtx): void {
  for (const name of Object.keys(plugins)) {
    const message = pluginNameProblem(name);
    if (message !== undefined) context.addIssue({ code: "custom", path: [name], message });
  }
}

interface Preferring {
  readonly plugins: object;
  readonly prefer: Readonly<Record<string, string>>;
}

function checkPrefer({ plugins, prefer }: Preferring, context: z.RefinementCtx): void {
  for (const [service, name] of Object.entries(prefer)) {
    if (Object.hasOwn(plugins, name)) continue;
    const known = Object.keys(plugins);
    const alike = nearest(name, known);
    const advice =
      alike === undefined ? `there are: ${known.join(", ")}` : `did you mean ${JSON.stringify(alike)}?`;
    const message = `there is no plugin ${JSON.stringify(name)}; ${advice}`;
    context.addIssue({ code: "custom", path: ["prefer", service], message });
  }
}

const count = z.number().int().positive();

const environmentSchema = z
  .strictObject({
    inherit: z
      .array(z.string().min(1))
      .describe(
        "Names of the host's environment variables that the plugin may see, beside the few it always gets.",
      ),
    set: z.record(z.string().min(1), z.string()).describe("Variables that the plugin gets."),
  })
  .partial()
  .describe("The plugin's environment. The host's own is not handed on.");

const pluginSchema = z.strictObject({
  entry: z
    .string()
    .min(1)
    .refine(isPathOrFileUrl, "wanted a path or a file: URL, found a URL of another kind")
    .describe("The plugin file, relative to this file, or a file: URL. Its default export is the plugin."),
  distance: z
    .enum(["child-process", "worker", "in-process"])
    .default("child-process")
    .describe(
      "Where it runs: its own process (a crash stays there), a worker thread, or the host itself (both only for code you trust).",
    ),
  config: z
    .unknown()
    .optional()
    .describe(
      "Handed to the plugin, whose own schema checks it. { $secret: { env: NAME } } or { $secret: { file: PATH } } stands for a value that is never printed.",
    ),
  essential: z.boolean().default(true).describe("Whether the host refuses to start without it."),
  environment: environmentSchema.optional(),
  nodeOptions: z
    .array(z.string())
    .optional()
    .describe(
      "Options for the plugin's own node (child-process) or thread (worker), such as --enable-source-maps.",
    ),
  memory: z
    .strictObject({ maxHeapMiB: z.number().int().positive().describe("JavaScript heap, in MiB.") })
    .optional()
    .describe("Limits of a child process or worker."),
  expect: z
    .strictObject({
      version: z.string().min(1).describe("Semver range for the version of its package."),
      services: z.array(z.string().min(1)).describe("Full names of the services that it may provide."),
    })
    .partial()
    .optional()
    .describe("What you insist on. A plugin that claims more is refused at its handshake."),
});

const doorSchema = z
  .strictObject({
    listen: z
      .string()
      .regex(
        /^(?:unix:.+|(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s/]+):(?:\d{1,4}|[1-6]\d{4}))$/,
        "wanted HOST:PORT such as 127.0.0.1:8443, or unix:PATH",
      )
      .describe(
        "HOST:PORT such as 127.0.0.1:8443 (port 0: any that is free), or unix:PATH, relative to this file, in a directory that nobody else may enter. Beyond this machine, tls and a token are wanted.",
      ),
    tls: z
      .strictObject({
        cert: z.string().min(1).describe("The certificate chain, a PEM file, relative to this file."),
        key: z.string().min(1).describe("Its key, a PEM file, relative to this file."),
      })
      .optional()
      .describe("Without it the door speaks cleartext, and listens on this machine only."),
    tokens: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The file that connect-plugin token writes, relative to this file. Default: tokens.json in the operator's private directory.",
      ),
    cors: z
      .strictObject({
        origins: z
          .array(
            z
              .string()
              .regex(
                /^(?:\*|https?:\/\/[^/\s?#@,]+)$/,
                'wanted "*" or an origin such as https://app.example',
              ),
          )
          .describe('Origins such as https://app.example, or "*" for every page.'),
        maxAgeSeconds: z.number().int().nonnegative().optional().describe("Default 7200."),
      })
      .optional()
      .describe("Which web pages may call. Default: none."),
  })
  .describe("Lets applications call plugins over HTTP, in Connect, gRPC and gRPC-Web, with a token each.");

export const configSchema = z
  .strictObject({
    $schema: z.string().optional().describe("For editors."),
    name: z.string().min(1).max(64).default("host").describe("The host's name in logs and to plugins."),
    plugins: z
      .record(z.string(), pluginSchema)
      .refine((plugins) => Object.keys(plugins).length > 0, "at least one plugin is wanted")
      .superRefine(checkNames)
      .describe("The plugins by name. The name is the operator's and is what policy and logs speak of."),
    prefer: z
      .record(z.string(), z.string())
      .default({})
      .describe("Which plugin answers for a service that several offer: full service name to plugin name."),
    door: doorSchema.optional(),
    deadlines: z
      .strictObject({
        launchMs: milliseconds.describe("From launch to the plugin file having been loaded."),
        handshakeMs: milliseconds,
        startMs: milliseconds.describe("For the plugin's start function."),
        drainMs: milliseconds.describe("For calls in flight when a plugin is to stop."),
        stopMs: milliseconds.describe("For the plugin's stop function."),
        terminateMs: milliseconds.describe("From SIGTERM to SIGKILL."),
        killMs: milliseconds.describe("From SIGKILL to being given up as left behind."),
      })
      .partial()
      .default({})
      .describe("How long each phase of a plugin's life may take, in ms."),
    limits: z
      .strictObject({
        messageBytes: count.describe("Largest message either way, in bytes."),
        depth: count.describe("Calls that may be made for one another."),
        callsPerCaller: count.describe("Calls in flight of one plugin."),
        metadataBytes: count.describe("Names and values of one header or trailer."),
        heldCalls: count.describe("Calls that may wait for plugins that are on their way up."),
        heldBytes: count.describe("Bytes of requests that may wait for them."),
      })
      .partial()
      .default({})
      .describe("What calls may take at most."),
  })
  .superRefine(checkPrefer)
  .describe("A host and its plugins, for connect-plugin run.");

export type Config = z.output<typeof configSchema>;
export type DoorConfig = NonNullable<Config["door"]>;
export type PluginConfig = Config["plugins"][string];

/** The JSON Schema that editors use. */
export function configJsonSchema(): object {
  return {
    title: "connect-plugin.yaml",
    ...z.toJSONSchema(configSchema, { io: "input", target: "draft-2020-12" }),
  };
}
