import { open, readFile, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { MAX_LOTTIE_BYTES } from '../../shared/scenes/lottie-animation.ts';
import { readPovIni } from '../../shared/scenes/pov-ini.ts';
import { UsageError } from '../support/exit-codes.ts';
import type { LocalFile } from '../support/upload.ts';

const MAX_INI_BYTES = 1_000_000;
const KINDS = 'a .blend, .pov or POV-Ray .ini file, a Lottie .json, a page (.html) or Synfig’s .sif';
const SCENES: ReadonlySet<string> = new Set(['.blend', '.pov', '.html', '.htm', '.sif', '.sifz']);

/** The scene of a folder, and how many more lie deeper in it. */
interface FoundScene {
  path: string;
  passedOver: number;
}

/**
 * The one scene of a folder: the only candidate, or the only one on the highest level that has any. A POV-Ray `.ini`
 * stands for the scene that it names.
 * @param files of the folder; `wanted` is `--scene`, a path inside it.
 * @throws UsageError when there is none, or several to choose from.
 */
export async function findScene(
  files: readonly LocalFile[],
  folder: string,
  wanted: string | undefined,
): Promise<FoundScene> {
  if (wanted !== undefined) {
    const path = posix.normalize(wanted);
    const found = files.find((file) => file.path === path);
    if (found === undefined) throw new UsageError(`--scene ${JSON.stringify(wanted)} is not in ${folder}.`);
    return { path, passedOver: 0 };
  }
  const candidates = await findCandidates(files);
  const depth = Math.min(...candidates.map((file) => depthOf(file.path)));
  const highest = candidates.filter((file) => depthOf(file.path) === depth);
  const [only, ...others] = highest;
  if (only === undefined) throw new UsageError(`${folder} holds no scene; expected ${KINDS}.`);
  if (others.length > 0) {
    const names = highest.slice(0, 10).map((file) => file.path);
    const more = highest.length > names.length ? ` and ${highest.length - names.length} more` : '';
    throw new UsageError(
      `${folder} holds several scenes: ${names.join(', ')}${more}. Choose one with --scene ${names[0] ?? ''}`,
    );
  }
  return { path: only.path, passedOver: candidates.length - 1 };
}

async function findCandidates(files: readonly LocalFile[]): Promise<LocalFile[]> {
  const candidates: LocalFile[] = [];
  const named = new Set<string>();
  for (const file of files) {
    const extension = posix.extname(file.path).toLowerCase();
    if (SCENES.has(extension)) candidates.push(file);
    else if (extension === '.json' && (await isLottie(file.file))) candidates.push(file);
    else if (extension === '.ini') {
      const scene = await sceneOfIni(file.file);
      if (scene === undefined) continue;
      candidates.push(file);
      const path = posix.join(posix.dirname(file.path), scene);
      named.add(posix.extname(scene) === '' ? `${path}.pov` : path);
    }
  }
  return candidates.filter((file) => !named.has(file.path));
}

const depthOf = (path: string): number => path.split('/').length;

/** The scene that a POV-Ray INI file names, as it stands there; undefined for any other `.ini`. */
export async function sceneOfIni(file: string): Promise<string | undefined> {
  const { inputFile } = readPovIni(await readStart(file, MAX_INI_BYTES));
  return inputFile?.replaceAll('\\', '/');
}

async function readStart(file: string, bytes: number): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function isLottie(file: string): Promise<boolean> {
  if ((await stat(file)).size > MAX_LOTTIE_BYTES) return false;
  const bytes = await readFile(file);
  try {
    return looksLikeLottie(JSON.parse(bytes.toString('utf8')));
  } catch {
    return false; // some other file that is called .json
  }
}

/** Whether a JSON value has the fields by which every Lottie animation is played. */
export function looksLikeLottie(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'layers' in value && Array.isArray(value.layers) && 'op' in value && 'fr' in value;
}
