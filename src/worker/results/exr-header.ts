/** Reads the headers of an OpenEXR file, by the published layout (openexr.com, "OpenEXR File Layout"). */

const MAGIC = 20_000_630;
const FLAG_TILED = 0x200;
const FLAG_DEEP = 0x800;
const FLAG_MULTIPART = 0x1000;
const MAX_ATTRIBUTES = 10_000;

/** Lines in a block of scan lines, by the number of the compression. */
const LINES_PER_BLOCK = [1, 1, 1, 16, 32, 16, 32, 32, 32, 256, 256, 32] as const;
export const ZIPS = 2;
export const ZIP = 3;

export interface ExrChannel {
  bytes: number;
  xSampling: number;
  ySampling: number;
}

export interface ExrPart {
  xMin: number;
  yMin: number;
  width: number;
  height: number;
  /** Size of the display window: what the picture is meant to be. */
  displayWidth: number;
  displayHeight: number;
  compression: number;
  linesPerBlock: number;
  channels: ExrChannel[];
  tiled: boolean;
  deep: boolean;
  chunks: number;
}

export interface ExrHeaders {
  parts: ExrPart[];
  multipart: boolean;
  /** Byte at which the tables of chunk offsets begin. */
  end: number;
}

/** The file is not a whole OpenEXR file; the message says in what. */
export class ExrError extends Error {
  override name = 'ExrError';
}

/** @throws ExrError, also when the headers go on beyond `bytes` */
export function parseExrHeaders(bytes: Buffer): ExrHeaders {
  const reader = new Reader(bytes);
  if (bytes.length < 8 || reader.int32() !== MAGIC)
    throw new ExrError('it does not begin as an OpenEXR file');
  const version = reader.int32();
  if ((version & 0xff) !== 2) throw new ExrError(`its version is ${version & 0xff}, not 2`);
  const multipart = (version & FLAG_MULTIPART) !== 0;
  const parts: ExrPart[] = [];
  do {
    const attributes = readAttributes(reader);
    parts.push(toPart(attributes, version, multipart));
    // Headers of several parts end with an empty one.
  } while (multipart && !reader.skipIfZero());
  return { parts, multipart, end: reader.at };
}

function readAttributes(reader: Reader): Map<string, Buffer> {
  const attributes = new Map<string, Buffer>();
  while (!reader.skipIfZero()) {
    if (attributes.size >= MAX_ATTRIBUTES) throw new ExrError('its header has too many attributes');
    const name = reader.text();
    reader.text(); // the type; each attribute that matters has only one
    attributes.set(name, reader.slice(reader.int32()));
  }
  return attributes;
}

function toPart(attributes: Map<string, Buffer>, version: number, multipart: boolean): ExrPart {
  const need = (name: string, size: number): Buffer => {
    const value = attributes.get(name);
    if (!value || value.length < size) throw new ExrError(`its header has no usable "${name}"`);
    return value;
  };
  const data = readBox(need('dataWindow', 16), 'dataWindow');
  const display = readBox(need('displayWindow', 16), 'displayWindow');
  const compression = need('compression', 1).readUInt8(0);
  const linesPerBlock = LINES_PER_BLOCK[compression];
  if (linesPerBlock === undefined) throw new ExrError(`its compression ${compression} is unknown`);
  const type = attributes.get('type')?.toString('latin1').replace(/\0$/, '') ?? '';
  const tiled = multipart ? type.includes('tile') : (version & FLAG_TILED) !== 0;
  const deep = multipart ? type.startsWith('deep') : (version & FLAG_DEEP) !== 0;
  const channels = readChannels(need('channels', 1));
  const { xMin, yMin, width, height } = data;
  const part = { xMin, yMin, width, height, compression, linesPerBlock, channels, tiled, deep };
  let chunks = tiled ? countTiles(need('tiles', 9), width, height) : Math.ceil(height / linesPerBlock);
  if (multipart) chunks = need('chunkCount', 4).readInt32LE(0);
  if (chunks < 1 || chunks > 10_000_000) throw new ExrError(`its header promises ${chunks} chunks`);
  return { ...part, displayWidth: display.width, displayHeight: display.height, chunks };
}

function readBox(value: Buffer, name: string): Pick<ExrPart, 'xMin' | 'yMin' | 'width' | 'height'> {
  const [xMin, yMin] = [value.readInt32LE(0), value.readInt32LE(4)];
  const [width, height] = [value.readInt32LE(8) - xMin + 1, value.readInt32LE(12) - yMin + 1];
  if (width < 1 || height < 1 || width > 1_000_000 || height > 1_000_000)
    throw new ExrError(`its ${name} is ${width} × ${height}`);
  return { xMin, yMin, width, height };
}

function readChannels(value: Buffer): ExrChannel[] {
  const reader = new Reader(value);
  const channels: ExrChannel[] = [];
  while (!reader.skipIfZero()) {
    reader.text();
    const bytes = reader.int32() === 1 ? 2 : 4;
    reader.slice(4); // linearity, reserved
    const [xSampling, ySampling] = [reader.int32(), reader.int32()];
    if (xSampling < 1 || ySampling < 1) throw new ExrError('a channel has no sampling');
    channels.push({ bytes, xSampling, ySampling });
  }
  if (channels.length === 0) throw new ExrError('it has no channels');
  return channels;
}

/** Tiles of all levels: mode 0 one level, 1 mipmap, 2 ripmap; sizes are halved, rounded down or up. */
function countTiles(description: Buffer, width: number, height: number): number {
  const [tileWidth, tileHeight] = [description.readUInt32LE(0), description.readUInt32LE(4)];
  if (tileWidth < 1 || tileHeight < 1) throw new ExrError('its tiles have no size');
  const mode = description.readUInt8(8);
  const across = levelSizes(width, mode & 0x0f, mode >> 4).map((size) => Math.ceil(size / tileWidth));
  const down = levelSizes(height, mode & 0x0f, mode >> 4).map((size) => Math.ceil(size / tileHeight));
  const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0);
  if ((mode & 0x0f) === 2) return sum(across) * sum(down);
  const levels = Math.max(across.length, down.length);
  return sum(Array.from({ length: levels }, (_, i) => (across[i] ?? 1) * (down[i] ?? 1)));
}

function levelSizes(size: number, mode: number, rounding: number): number[] {
  const sizes = [size];
  for (let s = size; mode > 0 && s > 1;) {
    s = Math.max(1, rounding === 1 ? Math.ceil(s / 2) : Math.floor(s / 2));
    sizes.push(s);
  }
  return sizes;
}

class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int32(): number {
    return this.slice(4).readInt32LE(0);
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.at);
    if (end < 0 || end - this.at > 255) throw new ExrError('a name in its header has no end');
    const text = this.#bytes.toString('latin1', this.at, end);
    this.at = end + 1;
    return text;
  }

  slice(size: number): Buffer {
    if (size < 0 || this.at + size > this.#bytes.length) throw new ExrError('its header is cut off');
    this.at += size;
    return this.#bytes.subarray(this.at - size, this.at);
  }

  skipIfZero(): boolean {
    if (this.at >= this.#bytes.length) throw new ExrError('its header is cut off');
    if (this.#bytes[this.at] !== 0) return false;
    this.at++;
    return true;
  }
}
