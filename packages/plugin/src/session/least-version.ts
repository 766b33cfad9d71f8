/** The least version in a plain range such as `^1.2` or `>=1.2.3`; undefined where a range is more than that. */
export function leastVersion(range: string): string | undefined {
  const plain = /^(?:\^|~|>=)?\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(range.trim());
  if (plain === null) return undefined;
  const [, major, minor = "0", patch = "0"] = plain;
  return `${major}.${minor}.${patch}`;
}
