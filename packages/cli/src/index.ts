// For programs that run what a configuration file says.
export { ConfigError, type ConfigProblem } from "./config/config-error.js";
export { type LoadOptions, loadHostOptions } from "./config/load-host-options.js";
