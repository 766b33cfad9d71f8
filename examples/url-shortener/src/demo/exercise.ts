import type { Client } from "@connectrpc/connect";
import type { ClicksService } from "../gen/shortener/v1/clicks_pb.js";
import type { ShortenerService } from "../gen/shortener/v1/shortener_pb.js";

export interface Shortener {
  readonly shortener: Client<typeof ShortenerService>;
  readonly clicks: Client<typeof ClicksService>;
}

/** What one run of the shortener showed. */
export interface Outcome {
  /** Code by URL. */
  readonly codes: ReadonlyMap<string, string>;
  /** What came back wrong, for people; empty if all is well. */
  readonly wrong: readonly string[];
  /** Answers that came out of the cache. */
  readonly cached: number;
  /** Clicks that the stream of counters told of. */
  readonly clicksSeen: number;
}

/** How many calls are under way at a time. */
const PARALLEL = 32;

/** Shortens all URLs, resolves them again one by one and as a stream, and watches the clicks while that happens. */
export async function exercise({ shortener, clicks }: Shortener, urls: readonly string[]): Promise<Outcome> {
  const codes = new Map<string, string>();
  const wrong: string[] = [];
  let cached = 0;
  const watch = watchClicks(clicks, urls.length * 2);

  await inParallel(urls, async (url) => {
    const { code } = await shortener.shorten({ url });
    codes.set(url, code);
  });
  const expected = [...codes].map(([url, code]) => ({ url, code }));

  await inParallel(expected, async ({ url, code }) => {
    const found = await shortener.resolve({ code });
    if (found.cached) cached += 1;
    if (found.url !== url) wrong.push(`${code}: wanted ${url}, got ${found.url}`);
  });

  let next = 0;
  for await (const { code, url } of shortener.resolveMany(asked(expected))) {
    const want = expected[next++];
    if (code !== want?.code || url !== want.url)
      wrong.push(`${code}: wanted ${want?.url}, got ${url} (as a stream)`);
  }
  if (next !== expected.length) wrong.push(`the stream gave ${next} answers to ${expected.length} questions`);

  return { codes, wrong, cached, clicksSeen: await watch };
}

async function* asked(expected: readonly { code: string }[]): AsyncGenerator<{ code: string }> {
  for (const { code } of expected) yield { code };
}

/** Follows the counters until they have come to a total. */
async function watchClicks(clicks: Shortener["clicks"], until: number): Promise<number> {
  let seen = 0;
  for await (const { total } of clicks.watchClicks({})) {
    seen = Number(total);
    if (seen >= until) break;
  }
  return seen;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}
