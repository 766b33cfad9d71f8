import { type GrpcHealth, GrpcServingStatus, quoted } from "@connect-plugin/protocol";
import type { Implementation } from "@connect-plugin/rpc";
import { Code, ConnectError } from "@connectrpc/connect";

/** How the host and what its plugins provide are, as far as probes are told. */
export interface HealthView {
  /** Whether the host, or a service, can be called now; undefined for a service that nobody provides. */
  isReady(service: string | undefined): boolean | undefined;
  /** Gives something whenever that may have changed since it was first asked; ends with the signal. */
  changes(signal: AbortSignal): AsyncIterable<unknown>;
}

/** `grpc.health.v1`: what gRPC's own probes and balancers ask. */
export function createHealthService(view: HealthView): Implementation<typeof GrpcHealth> {
  function statusOf(service: string): GrpcServingStatus {
    const ready = view.isReady(service === "" ? undefined : service);
    if (ready === undefined) return GrpcServingStatus.SERVICE_UNKNOWN;
    return ready ? GrpcServingStatus.SERVING : GrpcServingStatus.NOT_SERVING;
  }

  return {
    check({ service }) {
      const status = statusOf(service);
      if (status === GrpcServingStatus.SERVICE_UNKNOWN) {
        throw new ConnectError(`no running plugin provides ${quoted(service)}`, Code.NotFound);
      }
      return { status };
    },
    async *watch({ service }, call) {
      const changes = view.changes(call.signal)[Symbol.asyncIterator]();
      // Begins to listen before it looks, so that nothing changes in between.
      let changed = changes.next();
      let told = statusOf(service);
      yield { status: told };
      while ((await changed).done !== true) {
        changed = changes.next();
        const status = statusOf(service);
        if (status === told) continue;
        told = status;
        yield { status };
      }
    },
  };
}
