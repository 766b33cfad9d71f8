import type { Manifest } from "@connect-plugin/protocol";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Needs } from "../define/need.js";
import type { Offers } from "../define/offer.js";

/** A checked definition, as a session uses it. Its types have done their work by now. */
export interface PluginSource {
  readonly manifest: Manifest;
  readonly provides: Offers;
  readonly requires: Needs;
  readonly config: StandardSchemaV1 | undefined;
  readonly start: (ctx: never) => unknown;
}
