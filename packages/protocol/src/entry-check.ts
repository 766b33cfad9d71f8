import { describeValue } from "./describe-value.js";
import { type CallFailure, createFailure } from "./failure.js";
import { checkManifest } from "./manifest-check.js";
import { ENTRY_ABI, type EntryHook, type PluginEntry } from "./plugin-entry.js";
import { printable } from "./printable.js";

export type EntryCheck =
  | { readonly ok: true; readonly entry: PluginEntry }
  | { readonly ok: false; readonly failure: CallFailure };

/**
 * Takes the default export of a plugin file for what it should be.
 *
 * The entry that comes out has the checked copy of the manifest. Fails with NOT_A_PLUGIN, ENTRY_ABI_UNSUPPORTED or
 * SERVICE_REGISTERED_TWICE; the message says what was there and what was wanted.
 *
 * @param file how the operator knows the file, for the message
 */
export function checkEntry(exported: unknown, file: string): EntryCheck {
  const name = printable(file, 300);
  const hook = hookOf(exported);
  if (hook === undefined) return notAPlugin(name, `${whatWasFound(exported)}; ${advice(exported)}`);
  const fields = fieldsOf(hook);
  if (fields === undefined) {
    return notAPlugin(
      name,
      `its $connectPlugin is ${describeValue(hook)}, not an object; build it with the SDK`,
    );
  }
  if (fields.abi !== ENTRY_ABI) return wrongAbi(name, fields.abi);
  const { run } = fields;
  if (typeof run !== "function") {
    return notAPlugin(
      name,
      `its $connectPlugin.run is ${describeValue(run)}, not a function; build it with the SDK`,
    );
  }
  const check = checkManifest(fields.manifest);
  if (!check.ok) {
    return check.failure.info?.reason === "SERVICE_REGISTERED_TWICE"
      ? { ok: false, failure: check.failure }
      : notAPlugin(name, check.failure.message);
  }
  return {
    ok: true,
    entry: {
      $connectPlugin: {
        abi: ENTRY_ABI,
        manifest: check.manifest,
        // Called on the original, which may need its `this`.
        run: (link, boot) => (run as EntryHook["run"]).call(hook, link, boot),
      },
    },
  };
}

function hookOf(exported: unknown): unknown {
  return fieldsOf(exported)?.$connectPlugin;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function whatWasFound(exported: unknown): string {
  return exported === undefined
    ? "it has no default export"
    : `its default export is ${describeValue(exported)}, not a plugin`;
}

function advice(exported: unknown): string {
  const inner = fieldsOf(exported)?.default;
  return hookOf(inner) === undefined
    ? "write `export default definePlugin({ … })`"
    : "the plugin is in its `default`: it was built as CommonJS, build it as an ES module";
}

function notAPlugin(name: string, problem: string): EntryCheck {
  return {
    ok: false,
    failure: createFailure("NOT_A_PLUGIN", `${name} is not a plugin: ${problem}`, { facts: { file: name } }),
  };
}

function wrongAbi(name: string, abi: unknown): EntryCheck {
  const found = describeValue(abi);
  const side = typeof abi === "number" && abi > ENTRY_ABI ? "this host" : "the SDK of the plugin";
  return {
    ok: false,
    failure: createFailure(
      "ENTRY_ABI_UNSUPPORTED",
      `${name} was built for another version of the contract between host and plugin file: wanted ${ENTRY_ABI}, found ${found}; upgrade ${side}`,
      { facts: { file: name, wanted: String(ENTRY_ABI), found } },
    ),
  };
}
