import { readFile, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { newId } from '../../../shared/domain/new-id.ts';
import { EngineFailure, type SessionSpec } from '../engine.ts';
import { folderBeside } from './folder-beside.ts';
import { relinkFiles } from './relink-files.ts';
import { fillDocument, type XmlSlots } from './fill-document.ts';
import { XmlDocument, type XmlElement } from './xml-document.ts';

const MAX_SCENE_BYTES = 256 * 1_048_576;

/** What has to be known of a format to look after its scenes. */
export interface XmlFormat extends XmlSlots {
  label: string;
  /** Files that an element names. */
  filesOf: (element: XmlElement, document: XmlDocument) => string[];
  /** Writes other files in their place; undefined: it stays. */
  moveFiles: (
    element: XmlElement,
    document: XmlDocument,
    moved: (file: string) => string | undefined,
  ) => void;
}

/**
 * Fills a job's data into a scene and writes it as a copy beside the scene, from where the files that it names are found.
 * @returns the specification with the copy as its scene
 * @throws EngineFailure `scene` for data that does not fit or a file outside the scene's folder, `missing-asset`
 */
export async function withFilledScene(spec: SessionSpec, format: XmlFormat): Promise<SessionSpec> {
  const { scenePath, sceneRoot } = spec;
  if (scenePath === null || sceneRoot === null)
    throw new EngineFailure('scene', `${format.label} needs a scene.`);
  const document = new XmlDocument(await readScene(scenePath), basename(scenePath));
  const moved = await relinkFiles(document, spec.paths, format);
  await checkFiles(document, scenePath, await realpath(sceneRoot), { format, moved });
  await fillDocument(document, spec.data, format);
  const ending = extname(scenePath).toLowerCase().replace(/z$/, '');
  const folder = await folderBeside(scenePath, sceneRoot, spec);
  const copy = join(folder, `farmhand-${newId('s')}${ending}`);
  await writeFile(copy, document.toString(), { flag: 'wx' });
  return { ...spec, scenePath: copy };
}

/** `.svgz` and `.sifz` are the same, packed. */
async function readScene(path: string): Promise<string> {
  const bytes = await readFile(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString('utf8');
  try {
    return (await promisify(gunzip)(bytes, { maxOutputLength: MAX_SCENE_BYTES })).toString('utf8');
  } catch (error) {
    throw new EngineFailure('scene', `${basename(path)} cannot be unpacked.`, { cause: error });
  }
}

/** The program would leave out a picture that is not there without a word, and read one from anywhere on the machine. */
async function checkFiles(
  document: XmlDocument,
  scenePath: string,
  root: string,
  { format, moved }: { format: XmlFormat; moved: ReadonlySet<string> },
): Promise<void> {
  const references = document.elements().flatMap((element) => format.filesOf(element, document));
  const missing: string[] = [];
  for (const reference of new Set(references)) {
    if (moved.has(reference)) continue;
    const real = await realpath(join(dirname(scenePath), reference)).catch(() => null); // not there: named below
    if (/^[a-z][a-z0-9+.-]*:|^\/|\\/i.test(reference) || (real !== null && !real.startsWith(root + sep)))
      throw new EngineFailure(
        'scene',
        `The scene names ${reference}, which is not a file of its own folder; put the file beside it.`,
      );
    if (real === null) missing.push(reference);
  }
  if (missing.length > 0)
    throw new EngineFailure(
      'missing-asset',
      `The scene needs files that are not there: ${missing.slice(0, 20).join(', ')}.`,
    );
}
