import semver from 'semver';

/** A version as programs print it (`3.4.1`, `3.7.0.10.unofficial`) as three numbers; undefined without a number. */
function comparable(version: string): semver.SemVer | undefined {
  return semver.coerce(version) ?? undefined;
}

/** Whether the text is a range: `>=4.2`, `5`, `4.2.x`, `>=4.2 <6`, `3.4.1`. */
export function isVersionRange(range: string): boolean {
  return semver.validRange(range) !== null;
}

/** Whether a version is in a range. Further parts of a version (`3.7.0.10`) do not count. */
export function versionInRange(version: string, range: string): boolean {
  const parsed = comparable(version);
  return parsed !== undefined && semver.satisfies(parsed, range);
}

/** The highest of some versions that a range admits; without a range the highest of all. */
export function highestVersion(versions: readonly string[], range: string | null): string | undefined {
  return versions
    .filter((version) => range === null || versionInRange(version, range))
    .sort(compareVersions)
    .at(-1);
}

/** Lower versions first; those that are no version before all others. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [comparable(a), comparable(b)];
  if (left && right) return semver.compare(left, right) || (a < b ? -1 : a > b ? 1 : 0);
  return Number(left !== undefined) - Number(right !== undefined) || (a < b ? -1 : a > b ? 1 : 0);
}
