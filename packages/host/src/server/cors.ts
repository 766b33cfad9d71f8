import type { RequestHead } from "./gate.js";
import type { ResponseFields } from "./http-exchange.js";

/** Which web pages may call. Off until configured. */
export interface CorsOptions {
  /** Origins such as `https://app.example`, or `*` for every page there is. */
  readonly origins: readonly string[];
  /** How long a browser may remember the answer, in seconds. Default 7,200. */
  readonly maxAgeSeconds?: number;
}

export interface Cors {
  /** Fields for the response to a page's request; undefined if the page may not read it. */
  fieldsFor(head: RequestHead): ResponseFields | undefined;
  /** Fields for the response to the question that a browser asks first; undefined if this is no such question. */
  preflight(head: RequestHead): ResponseFields | undefined;
}

const ORIGIN = /^https?:\/\/[^/\s?#@,]+$/;
const FIELD_LIST = /^[A-Za-z0-9!#$%&'*+\-.^_`|~, ]*$/;
const MAX_FIELD_LIST = 1_024;

/** @throws TypeError for what is no origin */
export function createCors(options: CorsOptions): Cors {
  const maxAge = options.maxAgeSeconds ?? 7_200;
  if (!Number.isSafeInteger(maxAge) || maxAge < 0) {
    throw new RangeError(`cors.maxAgeSeconds: wanted a whole number from 0, got ${maxAge}`);
  }
  for (const origin of options.origins) {
    if (origin !== "*" && !ORIGIN.test(origin)) {
      throw new TypeError(`cors.origins: wanted "*" or an origin such as https://app.example, got ${origin}`);
    }
  }
  const origins = new Set(options.origins);

  function allowed(head: RequestHead): string | undefined {
    const [origin, ...others] = head.fields("origin");
    if (origin === undefined || others.length > 0) return undefined;
    return origins.has("*") || origins.has(origin) ? origin : undefined;
  }

  return {
    fieldsFor(head) {
      const origin = allowed(head);
      if (origin === undefined) return undefined;
      // Cookies are never credentials here, so `*` may stand for every field.
      return { "access-control-allow-origin": origin, "access-control-expose-headers": "*", vary: "origin" };
    },
    preflight(head) {
      if (head.method !== "OPTIONS" || head.field("access-control-request-method") === undefined) {
        return undefined;
      }
      const origin = allowed(head);
      if (origin === undefined) return { vary: "origin" };
      const asked = head.field("access-control-request-headers") ?? "";
      const names = asked.length <= MAX_FIELD_LIST && FIELD_LIST.test(asked) ? asked : "";
      return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, POST",
        ...(names === "" ? {} : { "access-control-allow-headers": names }),
        "access-control-max-age": String(maxAge),
        vary: "origin, access-control-request-headers",
      };
    },
  };
}
