import type { DroppedFile } from './upload/dropped-files.ts';

const SCENES = new Set(['blend', 'pov', 'html', 'htm', 'sif', 'sifz']);
/** Scenes that are pictures or data just as often: only where there is nothing else. */
const PERHAPS = new Set(['svg']);
const MOST_INI_BYTES = 1_000_000;
const MOST_LOTTIE_BYTES = 50_000_000;

/**
 * Paths of files that may be the scene, the likeliest first: on the highest level, a POV-Ray `.ini` for the scene that it
 * names. The farm reads the one that is chosen and says whether it is one.
 */
export async function sceneCandidates(files: readonly DroppedFile[]): Promise<string[]> {
  const found: string[] = [];
  const perhaps: string[] = [];
  const named = new Set<string>();
  for (const { path, file } of files) {
    const ending = endingOf(path);
    if (SCENES.has(ending)) found.push(path);
    else if (PERHAPS.has(ending)) perhaps.push(path);
    else if (ending === 'json' && (await isLottie(file))) found.push(path);
    else if (ending === 'ini') {
      const scene = await sceneOfIni(file);
      if (scene === undefined) continue;
      found.push(path);
      const folder = path.slice(0, path.lastIndexOf('/') + 1);
      named.add(folder + (endingOf(scene) === '' ? `${scene}.pov` : scene));
    }
  }
  const scenes = found.filter((path) => !named.has(path));
  return (scenes.length > 0 ? scenes : perhaps).sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
}

const depth = (path: string): number => path.split('/').length;

function endingOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '';
}

/** What the farm reads later, with all that such a file may say. */
async function sceneOfIni(file: File): Promise<string | undefined> {
  const text = await textOf(file.slice(0, MOST_INI_BYTES));
  return /^\s*Input_File_Name\s*=\s*"?([^";\r\n]+?)"?\s*(?:;.*)?$/im.exec(text)?.[1]?.replaceAll('\\', '/');
}

async function isLottie(file: File): Promise<boolean> {
  if (file.size > MOST_LOTTIE_BYTES) return false;
  try {
    const value = JSON.parse(await textOf(file)) as unknown;
    return typeof value === 'object' && value !== null && 'layers' in value && 'op' in value && 'fr' in value;
  } catch {
    return false; // some other file that is called .json
  }
}

/** Empty for a file that is gone: hashing says so. */
async function textOf(file: Blob): Promise<string> {
  return await file.text().catch(() => '');
}
