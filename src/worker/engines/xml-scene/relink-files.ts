import { pathOfAddress } from '../../../shared/domain/file-address.ts';
import { movedPath } from '../../roots/moved-path.ts';
import type { MovedFolder } from '../engine.ts';
import type { XmlFormat } from './scene-copy.ts';
import type { XmlDocument } from './xml-document.ts';

/**
 * Makes absolute paths of other machines lead to the files as they lie here.
 * @returns the files that the document names now: they may lie outside the scene's folder
 */
export async function relinkFiles(
  document: XmlDocument,
  folders: readonly MovedFolder[],
  format: XmlFormat,
): Promise<ReadonlySet<string>> {
  const moved = new Map<string, string>();
  if (folders.length === 0) return new Set();
  for (const reference of document.elements().flatMap((element) => format.filesOf(element, document))) {
    const file = await movedPath(pathOfAddress(reference), folders);
    if (file !== undefined) moved.set(reference, file);
  }
  if (moved.size === 0) return new Set();
  for (const element of document.elements()) format.moveFiles(element, document, (file) => moved.get(file));
  return new Set(moved.values());
}
