import type { FileBytes } from '../decode/file-bytes.ts';
import { ExrError, type ExrHeaders, type ExrPart, type ExrTiles } from './exr-header.ts';

/** A block of lines, or a tile, as a place in its part's picture. */
export interface ExrChunk {
  part: number;
  x: number;
  y: number;
  width: number;
  height: number;
  /** A smaller copy of the picture rather than a piece of it. */
  isReduced: boolean;
}

interface Place extends ExrChunk {
  /** What the chunk must say of itself: its first line, or its tile and level. */
  head: number[];
}

/**
 * Goes through every chunk that the headers promise, in the order of the picture.
 * @param use gets the chunk's bytes, which last until the next
 * @throws ExrError when one is missing, cut off, in another's place, or two overlap
 */
export function eachChunk(
  file: FileBytes,
  headers: ExrHeaders,
  use: (chunk: ExrChunk, part: ExrPart, data: Buffer) => void,
): void {
  const total = headers.parts.reduce((sum, part) => sum + part.chunks, 0);
  const tableEnd = headers.end + total * 8;
  if (tableEnd > file.size) throw new ExrError('its table of chunks is cut off');
  const table = Buffer.from(file.read(headers.end, total * 8));
  const extents: [number, number][] = [];
  let entry = 0;
  for (const [index, part] of headers.parts.entries()) {
    for (const place of placesOf(part, index)) {
      const offset = Number(table.readBigUInt64LE(entry * 8));
      entry++;
      if (offset < tableEnd || offset >= file.size)
        throw new ExrError(`chunk ${entry} of ${total} was not written`);
      extents.push([offset, readChunk(file, offset, part, place, headers.multipart, use)]);
    }
  }
  extents.sort(([a], [b]) => a - b);
  extents.reduce((before, [start, end]) => {
    if (start < before) throw new ExrError('two of its chunks overlap');
    return end;
  }, tableEnd);
}

/** @returns where the chunk ends */
function readChunk(
  file: FileBytes,
  offset: number,
  part: ExrPart,
  place: Place,
  multipart: boolean,
  use: (chunk: ExrChunk, part: ExrPart, data: Buffer) => void,
): number {
  const named = multipart ? [place.part, ...place.head] : place.head;
  const headSize = named.length * 4 + (part.deep ? 24 : 4);
  if (offset + headSize > file.size) throw new ExrError('its last chunk is cut off');
  const head = file.read(offset, headSize);
  named.forEach((value, i) => {
    if (head.readInt32LE(i * 4) === value) return;
    throw new ExrError(`a chunk stands where that of line ${place.y} should`);
  });
  const at = named.length * 4;
  const bytes = part.deep
    ? Number(head.readBigUInt64LE(at) + head.readBigUInt64LE(at + 8))
    : head.readInt32LE(at);
  const end = offset + headSize + bytes;
  if (bytes < 0 || end > file.size) throw new ExrError('it is cut off in the middle of a chunk');
  if (!part.deep) use(place, part, file.read(offset + headSize, bytes));
  return end;
}

function* placesOf(part: ExrPart, index: number): Generator<Place> {
  if (part.tiles) {
    yield* tilesOf(part, part.tiles, index);
    return;
  }
  const { xMin, yMin, width, height, linesPerBlock } = part;
  for (let y = yMin; y < yMin + height; y += linesPerBlock) {
    const lines = Math.min(linesPerBlock, yMin + height - y);
    yield { part: index, x: xMin, y, width, height: lines, isReduced: false, head: [y] };
  }
}

/** Level by level: those of rip maps across, then down. */
function* tilesOf(part: ExrPart, tiles: ExrTiles, index: number): Generator<Place> {
  const { across, down, ripMap } = tiles;
  const levels = ripMap
    ? down.flatMap((_, ly) => across.map((_size, lx) => [lx, ly] as const))
    : across.map((_, level) => [level, level] as const);
  for (const [lx, ly] of levels) {
    const [width, height] = [across[lx] ?? 1, down[ly] ?? 1];
    for (let ty = 0; ty * tiles.height < height; ty++) {
      for (let tx = 0; tx * tiles.width < width; tx++) {
        const [x, y] = [tx * tiles.width, ty * tiles.height];
        yield {
          part: index,
          x: part.xMin + x,
          y: part.yMin + y,
          width: Math.min(tiles.width, width - x),
          height: Math.min(tiles.height, height - y),
          isReduced: lx + ly > 0,
          head: [tx, ty, lx, ly],
        };
      }
    }
  }
}
