// The worker of piscina.
export default async ({ text }: { text: string }) => ({ text });
