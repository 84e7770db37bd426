import type { PictureSink } from '../measure/picture-sink.ts';
import type { FileBytes } from './file-bytes.ts';
import { NotDecodable, Unreadable } from './not-decodable.ts';
import { assertPixels } from './pixel-limit.ts';

const MAX_HEADER_BYTES = 65_536;

/**
 * Decodes a Radiance picture (.hdr, RGBE): lines of four planes in runs, or pixels one after another (Greg Ward, "Real
 * Pixels", Graphics Gems II).
 * @throws Unreadable; NotDecodable for other colours, turned pictures and the runs of before 1991
 */
export function decodeRadiance(file: FileBytes, sink: PictureSink): void {
  const head = file.read(0, Math.min(file.size, MAX_HEADER_BYTES)).toString('latin1');
  if (!head.startsWith('#?')) throw new Unreadable('does not begin as a Radiance file');
  const found = /\n\n([^\n]*)\n/.exec(head);
  if (!found) throw new Unreadable('has no whole header');
  const format = /\nFORMAT=([^\n]*)/.exec(head)?.[1] ?? '32-bit_rle_rgbe';
  const size = /^-Y (\d+) \+X (\d+)$/.exec(found[1] ?? '');
  if (format !== '32-bit_rle_rgbe' || !size)
    throw new NotDecodable(`${format}, ${found[1] ?? ''} is not decoded`);
  const [height, width] = [Number(size[1]), Number(size[2])];
  if (width < 1 || height < 1) throw new Unreadable('has no pixels');
  assertPixels(width, height);
  sink.size?.(width, height);
  const start = found.index + found[0].length;
  const data = file.read(start, file.size - start);
  sink.begin({
    ...{ width, height, channels: 3, allChannels: 3, depth: 'float' },
    ...{ alpha: false, white: null, premultiplied: true },
  });
  const line = Buffer.alloc(width * 4);
  const colours = [0, 1, 2].map(() => new Float32Array(width));
  let at = 0;
  for (let y = 0; y < height; y++) {
    at = readLine(data, at, line, width);
    sink.bytes(line);
    toColours(line, colours, width);
    sink.line(0, y, colours, width);
  }
}

const cutOff = (): Unreadable => new Unreadable('is cut off');

/** Fills `line` plane by plane. @returns where the next one begins */
function readLine(data: Buffer, start: number, line: Buffer, width: number): number {
  const inRuns =
    data[start] === 2 &&
    data[start + 1] === 2 &&
    data.length > start + 3 &&
    data.readUInt16BE(start + 2) === width;
  let at = start;
  if (!inRuns || width < 8) {
    if (start + width * 4 > data.length) throw cutOff();
    for (let x = 0; x < width; x++)
      for (let plane = 0; plane < 4; plane++) line[plane * width + x] = data[at++] ?? 0;
    return at;
  }
  at += 4;
  for (let to = 0; to < line.length;) {
    const count = data[at++];
    if (count === undefined || count === 0) throw cutOff();
    const length = count > 128 ? count - 128 : count;
    const taken = count > 128 ? 1 : length;
    const left = width - (to % width);
    if (length > left || at + taken > data.length) throw cutOff();
    if (count > 128) line.fill(data[at] ?? 0, to, to + length);
    else data.copy(line, to, at, at + length);
    at += taken;
    to += length;
  }
  return at;
}

function toColours(line: Buffer, colours: readonly Float32Array[], width: number): void {
  for (let x = 0; x < width; x++) {
    const exponent = line[3 * width + x] ?? 0;
    const scale = exponent === 0 ? 0 : 2 ** (exponent - 136);
    for (const [plane, values] of colours.entries()) values[x] = (line[plane * width + x] ?? 0) * scale;
  }
}
