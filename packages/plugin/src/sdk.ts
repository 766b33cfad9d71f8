/** What a manifest says of the SDK that it was made with. */
export const SDK = { name: "@connect-plugin/plugin", version: "0.1.0" } as const;
