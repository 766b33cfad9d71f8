import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadHostOptions } from "@connect-plugin/cli";
import { collectUrls } from "./demo/collect-urls.js";
import { problemsOf, trafficTable } from "./demo/report.js";
import { type Run, runOnce } from "./demo/run-once.js";

// The configurations name a directory of data that is relative to where the shortener runs.
process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const show = (line = "") => process.stdout.write(`${line}\n`);

async function run(config: string, urls: readonly string[]): Promise<Run> {
  show(`\n== ${config}\n`);
  const done = await runOnce(config, urls, (line) => show(`  ${line}`));
  const calls = done.traffic.reduce((sum, edge) => sum + edge.calls, 0);
  show(
    `\n  ready after ${Math.round(done.startMs)} ms; ${calls.toLocaleString("en")} calls in ${Math.round(done.workMs)} ms\n`,
  );
  show(trafficTable(done));
  return done;
}

// Where npm has put what this example depends on is where the URLs come from.
const nodeModules = resolve(dirname(createRequire(import.meta.url).resolve("zod/package.json")), "..");
const urls = await collectUrls(nodeModules);
show(
  `A URL shortener made of five plugins, and the ${urls.length} homepages and repositories of what is installed here.`,
);

const first = await run("connect-plugin.yaml", urls);
const moved = await run("connect-plugin.moved.yaml", urls);

const problems = [first, moved].flatMap((done) => problemsOf(done, urls));
const changed = urls.filter((url) => first.outcome.codes.get(url) !== moved.outcome.codes.get(url));
problems.push(...changed.map((url) => `${url} has another code since the plugins moved`));

show(`
== Summary

  ${urls.length} URLs shortened and resolved again, one by one and as a stream, twice: ${problems.length} problems
  ${first.outcome.clicksSeen} and ${moved.outcome.clicksSeen} clicks seen on the stream of counters
  between the two runs every plugin moved, by configuration alone:
${[...first.distances].map(([name, distance]) => `    ${name.padEnd(8)} ${distance} → ${moved.distances.get(name)}`).join("\n")}
`);
const example = JSON.stringify({ url: urls[0] ?? "https://example.org/" });
const { door } = await loadHostOptions("connect-plugin.yaml");
for (const problem of problems.slice(0, 20)) show(`  wrong: ${problem}`);
show(`To keep it running and look into it:

  cd examples/url-shortener
  npx connect-plugin run                                    # leave it open; then, in another terminal here:
  npx connect-plugin call shortener.v1.ShortenerService/Shorten --data '${example}'
  npx connect-plugin call shortener.v1.ClicksService/WatchClicks
  npx connect-plugin list --traffic

The same call as any program makes it, by curl:

  curl -sS -H "Authorization: Bearer $(npx connect-plugin token create --name curl-$(date +%s) --expires 1h)" -H 'Content-Type: application/json' -d '${example}' http://${door?.listen}/shortener.v1.ShortenerService/Shorten
`);
process.exitCode = problems.length === 0 && urls.length > 0 ? 0 : 1;
