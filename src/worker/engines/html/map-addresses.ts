import { below } from '../../../shared/domain/root-paths.ts';
import { decodeAddress, pathOfAddress } from '../../../shared/domain/file-address.ts';
import { mapCssAddresses, mapLast } from '../css-addresses.ts';
import type { MovedFolder } from '../engine.ts';
import { SCENE_ORIGIN } from './scene-origin.ts';

/** One that is never closed takes the rest of its line, so that nothing is searched through twice. */
const ATTRIBUTE =
  /\s(?:src|href|xlink:href|poster|data)\s*=\s*(?:"(?<double>[^"\r\n]+)|'(?<single>[^'\r\n]+)|(?<bare>[^\s"'>]+))/gi;

/**
 * Makes what a page or a style names by a path of another machine (`S:\show\a.png`, `file:///Volumes/show/a.png`) an address
 * that the page asks its own origin for: Chromium asks nobody for files of a machine.
 * @param folders only paths below one of these
 * @returns the same bytes where nothing is named like that
 */
export function mapAddresses(body: Buffer, contentType: string, folders: readonly MovedFolder[]): Buffer {
  const isPage = contentType.startsWith('text/html');
  if (folders.length === 0 || !(isPage || contentType.startsWith('text/css'))) return body;
  const text = body.toString('latin1'); // whatever it is encoded in comes out as it was
  const moved = (address: string): string | undefined => addressOf(address, folders);
  const styled = mapCssAddresses(text, moved);
  const mapped = isPage ? mapLast(styled, ATTRIBUTE, moved) : styled;
  return mapped === text ? body : Buffer.from(mapped, 'latin1');
}

function addressOf(reference: string, folders: readonly MovedFolder[]): string | undefined {
  if (!/^(?:file:|[A-Za-z]:|\\)/i.test(reference)) return undefined;
  const written = Buffer.from(reference.replaceAll('&amp;', '&'), 'latin1').toString('utf8');
  // A style may have its backslashes twice.
  for (const form of [written, written.replaceAll('\\\\', '\\')]) {
    const path = pathOfAddress(/^file:/i.test(form) ? decodeAddress(form) : form);
    if (!folders.some(({ from }) => below(from, path) !== undefined)) continue;
    const plain = path.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/');
    return plain.startsWith('/') ? plain : `/${plain}`;
  }
  return undefined;
}

/** The path that a page's request stands for on the machine that made it: `/S:/show/a.png`, `//nas/show/a.png`; null: none. */
export function pathOnMachine(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const { protocol, origin, host, pathname } = new URL(address);
  if (protocol !== 'https:' || /%2f|%5c|%00/i.test(pathname)) return null;
  const path = decodeAddress(pathname);
  if (origin !== SCENE_ORIGIN) return `//${host}${path}`;
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}
