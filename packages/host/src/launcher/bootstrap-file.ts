/**
 * Where the script lies that a child process or worker runs first. It runs as it was built: from the sources of this
 * package, as our own tests are, it is found in the build beside them.
 */
export function bootstrapFile(name: "child-bootstrap" | "worker-bootstrap"): URL {
  const room = new URL(".", import.meta.url).href.replace(/\/src\/launcher\/$/, "/dist/launcher/");
  return new URL(`bootstrap/${name}.js`, room);
}
