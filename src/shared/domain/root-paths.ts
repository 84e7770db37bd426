/** The kinds of paths by which machines know the same folder on shared storage. */
export const ROOT_SYSTEMS = ['linux', 'mac', 'windows', 'unc'] as const;
export type RootSystem = (typeof ROOT_SYSTEMS)[number];

/** A root's prefixes: the same folder on each kind of machine; null: not there. */
export type RootPrefixes = Readonly<Record<RootSystem, string | null>>;
export type NamedRoot = RootPrefixes & { readonly name: string };

/** A file on a root. */
export interface RootFile {
  root: string;
  /** Relative to the root, with forward slashes. */
  path: string;
}

const FORMS: Readonly<Record<RootSystem, { form: RegExp; example: string }>> = {
  linux: { form: /^(\/[^/]+)+$/, example: '/mnt/show' },
  mac: { form: /^(\/[^/]+)+$/, example: '/Volumes/show' },
  windows: { form: /^[A-Za-z]:(\\|(\\[^\\/:]+)+)$/, example: 'S:\\show' },
  unc: { form: /^\\\\[^\\/:]+(\\[^\\/:]+)+$/, example: '\\\\nas\\show' },
};

const REFERENCE = /^root:([A-Za-z0-9][A-Za-z0-9_-]{0,63})\/(.+)$/;

/** The parts of `root:<name>/<path>`; undefined for any other text. Whether the path is plain is for the caller to check. */
export function parseRootReference(text: string): RootFile | undefined {
  const [, root, path] = REFERENCE.exec(text) ?? [];
  return root === undefined || path === undefined ? undefined : { root, path };
}

export const rootReference = ({ root, path }: RootFile): string => `root:${root}/${path}`;

/** What is wrong with a prefix, as an expectation: `an absolute path such as …`; undefined: nothing. */
export function prefixProblem(system: RootSystem, prefix: string): string | undefined {
  const { form, example } = FORMS[system];
  const expected = `an absolute path of a folder such as ${example}, without "..", control characters or a slash at its end`;
  const parts = prefix.split(/[\\/]/);
  if (!form.test(prefix) || parts.includes('..') || parts.includes('.')) return expected;
  return /[\u0000-\u001f\u007f]/.test(prefix) ? expected : undefined;
}

/** Windows tells neither slashes nor capitals apart. */
const isWindows = (path: string): boolean => /^([A-Za-z]:|\\\\|\/\/)/.test(path);

/** One form of all that mean the same: forward slashes, none at the end, on Windows in small letters. */
function comparable(path: string, windows: boolean): string {
  const plain = windows ? path.replaceAll('\\', '/').toLowerCase() : path;
  return plain.replace(/\/+$/, '');
}

/**
 * The part of an absolute path that lies below a prefix, with forward slashes; '' for the folder itself.
 * @returns undefined when it does not lie there, or climbs with `..`
 */
export function below(prefix: string, path: string): string | undefined {
  const windows = isWindows(prefix);
  if (windows !== isWindows(path)) return undefined;
  const [start, whole] = [comparable(prefix, windows), comparable(path, windows)];
  if (whole !== start && !whole.startsWith(`${start}/`)) return undefined;
  // Some capitals have small letters of another length: the prefix is measured as it is written.
  const written = prefix.replace(windows ? /[\\/]+$/ : /\/+$/, '').length;
  const rest = (windows ? path.replaceAll('\\', '/') : path).slice(written);
  const parts = rest.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? undefined : parts.join('/');
}

/** All prefixes of a root. */
export const prefixesOf = (root: RootPrefixes): string[] =>
  ROOT_SYSTEMS.flatMap((system) => root[system] ?? []);

/**
 * The root that an absolute path of any system lies on, by the longest prefix.
 * @param also further folders that are a root on this machine, by its name
 */
export function fileOnRoot(
  path: string,
  roots: readonly NamedRoot[],
  also: readonly { name: string; prefix: string }[] = [],
): RootFile | undefined {
  const places = [
    ...roots.flatMap((root) => prefixesOf(root).map((prefix) => ({ name: root.name, prefix }))),
    ...also,
  ];
  const found = places.flatMap(({ name, prefix }) => {
    const rest = below(prefix, path);
    return rest === undefined || rest === '' ? [] : [{ root: name, path: rest, length: prefix.length }];
  });
  const [first] = found.sort((a, b) => b.length - a.length);
  return first && { root: first.root, path: first.path };
}

/** A prefix that two roots share, however it is written; undefined: there is none. One may lie inside the other. */
export function sharedPrefix(a: RootPrefixes, b: RootPrefixes): string | undefined {
  return prefixesOf(a).find((own) => prefixesOf(b).some((other) => below(own, other) === ''));
}

/** Where `FARMHAND_ROOTS` (`show=/data/show,lib=/srv/lib`) says that roots lie on this machine. */
export function parseRootOverrides(text: string): { name: string; prefix: string }[] | undefined {
  const parts = text.split(',').filter((part) => part.trim() !== '');
  const places = parts.map((part) => {
    const [, name = '', prefix = ''] = /^\s*([A-Za-z0-9][A-Za-z0-9_-]{0,63})=(.+?)\s*$/.exec(part) ?? [];
    return { name, prefix };
  });
  const isPlace = ({ name, prefix }: { name: string; prefix: string }): boolean =>
    name !== '' && ROOT_SYSTEMS.some((system) => prefixProblem(system, prefix) === undefined);
  const names = new Set(places.map(({ name }) => name));
  return places.every(isPlace) && names.size === places.length ? places : undefined;
}

export const ROOT_OVERRIDES_RULE =
  'names of roots and their folders on this machine, such as show=/data/show,lib=/srv/lib';
