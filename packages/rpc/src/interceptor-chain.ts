import type {
  Interceptor,
  StreamRequest,
  StreamResponse,
  UnaryRequest,
  UnaryResponse,
} from "@connectrpc/connect";

/** What interceptors wrap: makes, or answers, a call. */
export type Invoke = (request: UnaryRequest | StreamRequest) => Promise<UnaryResponse | StreamResponse>;

/** The first interceptor is the outermost. */
export function applyInterceptors(interceptors: readonly Interceptor[], innermost: Invoke): Invoke {
  return interceptors.reduceRight<Invoke>((next, interceptor) => interceptor(next), innermost);
}
