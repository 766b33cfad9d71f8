export default { $connectPlugin: { abi: 99, manifest: {}, run: async () => {} } };
