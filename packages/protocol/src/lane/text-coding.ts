// Every runtime has these two, but TypeScript declares them only together with a DOM or Node, of which this package
// knows neither.

interface TextEncoding {
  encodeInto(text: string, into: Uint8Array): { readonly written: number };
}

interface TextDecoding {
  decode(bytes: Uint8Array): string;
}

interface WebGlobals {
  readonly TextEncoder: new () => TextEncoding;
  readonly TextDecoder: new (
    label: "utf-8",
    options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
  ) => TextDecoding;
}

export const { TextEncoder, TextDecoder } = globalThis as typeof globalThis & WebGlobals;
