// Who may import whom. `check-imports.mjs` holds the code to these tables; change a border here, in a change of its own.

/** Workspaces that a package may import by name, through that workspace's `exports`. */
export const packageRules = {
  protocol: [],
  rpc: ["protocol"],
  plugin: ["protocol", "rpc"],
  host: ["protocol", "rpc"],
  cli: ["protocol", "rpc", "plugin", "host"],
  "example-kv": ["plugin"],
  "example-url-shortener": ["protocol", "plugin", "host", "cli"],
  e2e: ["protocol", "rpc", "plugin", "host", "cli"],
  bench: ["protocol", "rpc", "plugin", "host"],
};

/** Packages without Node: neither its modules nor its own globals. */
export const withoutNode = ["protocol", "rpc"];

export const nodeGlobals = [
  "Buffer",
  "process",
  "global",
  "setImmediate",
  "clearImmediate",
  "require",
  "__dirname",
  "__filename",
];

/** Where settings may be read from the environment. Everywhere else they come in as arguments. */
export const mayReadEnvironment = [
  "packages/cli/src/",
  // Hands some of it on to plugins; nothing of the host is configured by it.
  "packages/host/src/launcher/carrier-environment.ts",
  // Tests what is handed on.
  "packages/host/src/testing/",
];

/**
 * The rooms of `packages/host/src`: a folder, or a file at the top that stands for itself.
 * Every room may import `event`, and `Principal` and `Decision` from `auth` as types.
 */
export const hostRooms = {
  event: [],
  auth: [],
  launcher: ["integrity"],
  registry: ["auth"],
  router: ["auth", "registry", "limit"],
  broker: ["auth"],
  supervisor: ["auth", "registry", "launcher", "session"],
  session: ["auth", "limit", "registry"],
  server: ["auth", "limit"],
  admin: ["auth", "registry", "supervisor", "audit", "launcher", "event-text"],
  limit: [],
  audit: [],
  integrity: [],
  client: ["registry"],
  "event-bus": [],
  "event-text": [],
  inflate: [],
  "host-log": ["event-text"],
  "host-life": ["admin", "supervisor"],
  // What a host can be asked: types only.
  "host-api": ["admin", "client", "host-life", "registry", "router", "server"],
  "door-options": ["server"],
  "host-door": ["admin", "auth", "door-options", "launcher", "registry", "server", "session"],
  "host-options": [
    "auth",
    "broker",
    "door-options",
    "host-log",
    "launcher",
    "registry",
    "router",
    "session",
    "supervisor",
  ],
};

/** The only places in `host` that know every room. */
export const hostKnowsAll = ["host", "index", "testing"];

export const authTypesForAll = ["Principal", "Decision"];
