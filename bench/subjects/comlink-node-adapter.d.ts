// comlink ships types for comlink/dist/esm/node-adapter, but Node resolves only the file with its ending.
declare module "comlink/dist/esm/node-adapter.mjs" {
  import type { MessagePort, Worker } from "node:worker_threads";
  import type { Endpoint } from "comlink";
  export default function nodeEndpoint(port: Worker | MessagePort): Endpoint;
}
