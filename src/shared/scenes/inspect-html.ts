import { readFile } from 'node:fs/promises';
import { extname, join, posix } from 'node:path';
import { decodeAddress, pathOfAddress } from '../domain/file-address.ts';
import { MAX_HTML_BYTES, readHtmlPage } from './html-page.ts';
import { cssReferences, htmlReferences, remoteReferences, scriptReferences } from './html-references.ts';
import {
  NOTHING_MORE,
  NeededFiles,
  frameRange,
  type InspectOptions,
  type SceneInspection,
} from './scene-inspection.ts';

/** Reads which files a file names. */
const READERS: Readonly<Record<string, (text: string) => string[]>> = {
  '.html': htmlReferences,
  '.htm': htmlReferences,
  '.svg': htmlReferences,
  '.css': cssReferences,
  '.js': scriptReferences,
  '.mjs': scriptReferences,
};

/**
 * A page and the files that it, its styles and its modules name.
 * @throws FarmError `invalid` when what it says about itself makes no sense
 */
export async function inspectHtml(
  root: string,
  scene: string,
  { shared }: InspectOptions = {},
): Promise<SceneInspection> {
  const bytes = await readFile(join(root, scene));
  const slots = new Set<string>();
  const facts = readHtmlPage(bytes, scene);
  const needed = new NeededFiles(root, shared);
  await needed.add(posix.basename(scene), scene);
  await follow(needed, scene, slots);
  const notes = remoteReferences(bytes.toString('utf8'))
    .slice(0, 10)
    .map((address) => `${address} will not be loaded: pages have no network; put the file beside the page`);
  if (!facts.says.has('frames'))
    notes.push('it does not say how long it is; <meta name="farmhand" content="frames=0-89 fps=30"> does');
  return {
    ...NOTHING_MORE,
    engine: 'html',
    slots: [...slots].map((name) => ({ name, kind: 'value' })),
    root,
    scene,
    frames: frameRange(facts.firstFrame, facts.lastFrame ?? facts.firstFrame),
    fps: facts.fps,
    width: facts.width,
    height: facts.height,
    files: needed.files,
    missing: needed.missing,
    roots: needed.roots,
    notes,
  };
}

async function follow(needed: NeededFiles, scene: string, slots: Set<string>): Promise<void> {
  const open = [scene];
  const seen = new Set(open);
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const references = READERS[extname(file).toLowerCase()];
    if (!references) continue;
    const bytes = await readFile(join(needed.root, file));
    if (bytes.length > MAX_HTML_BYTES) continue; // nobody writes references by hand in one so large
    const text = bytes.toString('utf8');
    for (const name of dataNames(text)) slots.add(name);
    for (const reference of references(text)) {
      const named = pathOfAddress(decodeAddress(reference));
      if ((await needed.isShared(named)) || /^[a-z][a-z0-9+.-]*:/i.test(named)) continue;
      // A leading slash is the folder that comes along, as it is when the page is rendered.
      const absolute = reference.startsWith('/');
      const path = await needed.add(
        decodeAddress(absolute ? reference.slice(1) : reference),
        absolute ? '' : file,
      );
      if (path === undefined || seen.has(path)) continue;
      seen.add(path);
      open.push(path);
    }
  }
}

/** A text with more other names for its data was not written by hand, and each is looked for in all of it. */
const MAX_ALIASES = 50;

/** Names that a page or script takes from `window.__DATA__`: by `.name`, `['name']`, taking it apart, or by another name for it. */
function dataNames(text: string): string[] {
  const names: string[] = [];
  const aliases = new Set(['__DATA__']);
  for (const [, target = ''] of text.matchAll(
    /([\w$]{1,64}|\{[^{}]{1,1000}\})\s*=\s*(?:window\.)?__DATA__\b(?!\s*[.[])/g,
  )) {
    if (!target.startsWith('{')) {
      if (aliases.size < MAX_ALIASES) aliases.add(target);
    } else
      for (const part of target.slice(1, -1).split(','))
        names.push(/^\s*([A-Za-z_$][\w$]{0,63})/.exec(part)?.[1] ?? '');
  }
  for (const alias of aliases) {
    const asked = new RegExp(
      String.raw`(?<![\w$.])(?:window\.)?${alias.replaceAll('$', String.raw`\$`)}(?:\??\.|(?:\?\.)?\[\s*['"])([A-Za-z_$][\w$-]{0,63})`,
      'g',
    );
    for (const [, name = ''] of text.matchAll(asked)) names.push(name);
  }
  return names.filter((name) => name !== '');
}
