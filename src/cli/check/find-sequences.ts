import { basename, dirname, extname, join } from 'node:path';
import { decoderOf, formatOf } from '../../shared/quality/file-formats.ts';

/** Files that go together: a name, a number, an ending. */
export interface FileSequence {
  /** `folder/name_####.png`; the path of a file that stands alone. */
  name: string;
  /** In the order of their numbers; null for a file that stands alone. */
  files: { path: string; number: number | null }[];
}

/** A minus belongs to the number only where nothing stands before it that it could part: `-12.png`, `shot.-12.png`. */
const NUMBERED = /^(.*?)((?:(?<=^|[._])-)?\d+)$/;

/** Groups files by folder, name and ending. A single numbered file is no sequence. Videos are none either. */
export function findSequences(paths: readonly string[]): FileSequence[] {
  const groups = new Map<string, FileSequence>();
  for (const path of paths) {
    const place = placeOf(path);
    const group = groups.get(place.name) ?? { name: place.name, files: [] };
    group.files.push({ path, number: place.number });
    groups.set(place.name, group);
  }
  return [...groups.values()].flatMap(({ name, files }) => {
    const [first] = files;
    if (files.length < 2 || !first || hasTwice(files))
      return files.map(({ path }) => ({ name: path, files: [{ path, number: null }] }));
    return [{ name, files: files.toSorted((a, b) => (a.number ?? 0) - (b.number ?? 0)) }];
  });
}

function placeOf(path: string): { name: string; number: number | null } {
  const ending = extname(path);
  const found = NUMBERED.exec(basename(path, ending));
  const alone = !found || decoderOf(formatOf(path)) === 'ffmpeg';
  const number = Number(found?.[2]);
  if (alone || !Number.isSafeInteger(number)) return { name: path, number: null };
  return { name: join(dirname(path), `${found[1] ?? ''}####${ending}`), number };
}

/** `a1.png` and `a01.png` are frames of nothing. */
const hasTwice = (files: FileSequence['files']): boolean =>
  new Set(files.map(({ number }) => number)).size < files.length;
