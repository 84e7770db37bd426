import { isSafePath } from '../../../../src/shared/contracts/manifest.ts';
import { MAX_OBJECT_BYTES } from '../../../../src/shared/contracts/asset-api.ts';
import { formatBytes, plural } from '../../common/units.ts';

/** A file of the person's machine and its place in the asset. */
export interface DroppedFile {
  /** Relative, with `/`. */
  path: string;
  file: File;
  /** The folder around everything that was dropped with it, such as `show/`; undefined: none. */
  from?: string;
}

export interface Gathered {
  files: DroppedFile[];
  /** What is left out and why: a sentence each. */
  refused: string[];
  /** What was dropped over something else of the same name, and what became of it. */
  notes: string[];
}

/** As many as a manifest names. */
const MOST_FILES = 100_000;
const MOST_REFUSALS = 20;
/** What file managers and version control leave behind, and nobody renders. */
const LEFT_OUT = new Set(['.git', '.svn', '.hg', '.DS_Store', 'Thumbs.db', 'desktop.ini', '__MACOSX']);

/** The files of a file or folder picker. */
export function filesOfInput(list: FileList): DroppedFile[] {
  return Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/**
 * The files of what was dropped; folders with all that is in them. Must be called while the event is handled: later its
 * items are empty.
 */
export async function filesOfDrop(transfer: DataTransfer): Promise<DroppedFile[]> {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry()).filter(
    (entry) => entry !== null,
  );
  if (entries.length === 0) return filesOfInput(transfer.files);
  const files: DroppedFile[] = [];
  const open = entries;
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    if (LEFT_OUT.has(entry.name)) continue;
    if (isFolder(entry)) open.push(...(await entriesIn(entry)));
    else
      files.push({
        path: entry.fullPath.replace(/^\//, ''),
        file: await fileOf(entry as FileSystemFileEntry),
      });
    if (files.length > MOST_FILES) break; // that there are too many is said below
  }
  return files;
}

/**
 * What of some files can be stored. A folder around everything is taken away: scenes name their files from their own folder.
 * Where one of its files would stand in the place of another folder's, all of the folder keep its name.
 * @param before the files that are there already; one of the same path and folder is replaced, and so is one by a single file
 */
export function gather(before: readonly DroppedFile[], dropped: readonly DroppedFile[]): Gathered {
  const known = new Map(before.map((one) => [one.path, one]));
  const refusals: string[] = [];
  const notes: string[] = [];
  const from = folderAround(dropped);
  const around = keepsItsName(known, dropped, from, notes) ? '' : from;
  let replaced = 0;
  for (const one of dropped) {
    const path = one.path.slice(around.length);
    if (path.split('/').some((part) => LEFT_OUT.has(part))) continue;
    const wrong = whatIsWrongWith(path, one.file);
    if (wrong !== undefined) refusals.push(wrong);
    else if (known.size >= MOST_FILES && !known.has(path)) {
      refusals.push(`More than ${MOST_FILES.toLocaleString('en-US')} files: the rest is left out.`);
      break;
    } else {
      if (isOther(known.get(path)?.file, one.file)) replaced += 1;
      known.set(path, { path, file: one.file, ...(from === '' ? {} : { from }) });
    }
  }
  if (replaced > 0)
    notes.push(`${plural(replaced, 'file')} of the same name ${replaced === 1 ? 'was' : 'were'} replaced.`);
  const more = refusals.length - MOST_REFUSALS;
  const refused = more > 0 ? [...refusals.slice(0, MOST_REFUSALS), `And ${more} more.`] : refusals;
  return { files: [...known.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), refused, notes };
}

/** `show/` where everything that was dropped lies in `show`; empty where it does not. */
export function folderAround(files: readonly { path: string }[]): string {
  const first = files[0]?.path.split('/')[0] ?? '';
  return first !== '' && files.every(({ path }) => path.startsWith(`${first}/`)) ? `${first}/` : '';
}

/** Whether a folder's files are stored with its name, because another folder's lie where they would; says so once. */
function keepsItsName(
  known: ReadonlyMap<string, DroppedFile>,
  dropped: readonly DroppedFile[],
  from: string,
  notes: string[],
): boolean {
  if (from === '') return false;
  const isKept = ({ path }: DroppedFile): boolean => known.get(path)?.from === from;
  if (dropped.some(isKept)) return true; // it was dropped before, and has kept its name since
  const clash = dropped
    .map(({ path }) => known.get(path.slice(from.length)))
    .find((one) => one !== undefined && one.from !== from);
  if (!clash) return false;
  const where = clash.from === undefined ? '' : `, from ${JSON.stringify(clash.from.slice(0, -1))}`;
  notes.push(
    `${JSON.stringify(clash.path.slice(0, 100))} is there already${where}: the files of ${JSON.stringify(from.slice(0, -1))} are kept in a folder of that name.`,
  );
  return true;
}

const isOther = (before: File | undefined, now: File): boolean =>
  before !== undefined && (before.size !== now.size || before.lastModified !== now.lastModified);

function whatIsWrongWith(path: string, { size }: File): string | undefined {
  if (!isSafePath(path) || path.length > 1_024)
    return `${JSON.stringify(path.slice(0, 100))} cannot be stored: a name has no "..", backslash or control character and at most 1,024 letters. Rename it.`;
  if (size > MAX_OBJECT_BYTES)
    return `${JSON.stringify(path)} has ${formatBytes(size)}; a file may have up to ${formatBytes(MAX_OBJECT_BYTES)}.`;
  return undefined;
}

const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;

/** A reader gives some hundred entries at a time, and none at the end. */
async function entriesIn(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));
