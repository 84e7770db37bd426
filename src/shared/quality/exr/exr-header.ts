/** Reads the headers of an OpenEXR file, by the published layout (openexr.com, "OpenEXR File Layout"). */

const MAGIC = 20_000_630;
const FLAG_TILED = 0x200;
const FLAG_DEEP = 0x800;
const FLAG_MULTIPART = 0x1000;
const MAX_ATTRIBUTES = 10_000;
const MAX_CHANNELS = 1_024;
const MAX_PARTS = 1_000;
const CHANNEL_TYPES = ['uint', 'half', 'float'] as const;

/** Lines in a block of scan lines, by the number of the compression. */
const LINES_PER_BLOCK = [1, 1, 1, 16, 32, 16, 32, 32, 32, 256, 256, 32] as const;
export const COMPRESSIONS = [
  'none',
  'RLE',
  'ZIPS',
  'ZIP',
  'PIZ',
  'PXR24',
  'B44',
  'B44A',
  'DWAA',
  'DWAB',
] as const;

export interface ExrChannel {
  /** With its layer before it, such as `ViewLayer.Combined.R`. */
  name: string;
  type: 'uint' | 'half' | 'float';
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
  displayX: number;
  displayY: number;
  displayWidth: number;
  displayHeight: number;
  compression: number;
  linesPerBlock: number;
  channels: ExrChannel[];
  /** Null for a picture in blocks of lines. */
  tiles: ExrTiles | null;
  deep: boolean;
  chunks: number;
}

/** How a tiled part is cut. Level 0 is the picture itself; the others are smaller ones of it. */
export interface ExrTiles {
  width: number;
  height: number;
  /** Sizes of the levels across and down; as many of each, but for rip maps, where each goes with each. */
  across: number[];
  down: number[];
  ripMap: boolean;
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
    if (parts.length > MAX_PARTS) throw new ExrError('it has too many parts');
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
  const isTiled = multipart ? type.includes('tile') : (version & FLAG_TILED) !== 0;
  const deep = multipart ? type.startsWith('deep') : (version & FLAG_DEEP) !== 0;
  const channels = readChannels(need('channels', 1));
  const { xMin, yMin, width, height } = data;
  const tiles = isTiled ? readTiles(need('tiles', 9), width, height) : null;
  const part = { xMin, yMin, width, height, compression, linesPerBlock, channels, tiles, deep };
  const chunks = tiles ? countTiles(tiles) : Math.ceil(height / linesPerBlock);
  if (multipart && need('chunkCount', 4).readInt32LE(0) !== chunks)
    throw new ExrError(`a part has another number of chunks than ${chunks}`);
  if (chunks < 1 || chunks > 10_000_000) throw new ExrError(`its header promises ${chunks} chunks`);
  return {
    ...part,
    ...{ displayX: display.xMin, displayY: display.yMin },
    ...{ displayWidth: display.width, displayHeight: display.height, chunks },
  };
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
    const name = reader.text();
    const type = CHANNEL_TYPES[reader.int32()];
    if (!type) throw new ExrError(`the channel ${name} is of an unknown type`);
    reader.slice(4); // linearity, reserved
    const [xSampling, ySampling] = [reader.int32(), reader.int32()];
    if (xSampling < 1 || ySampling < 1) throw new ExrError('a channel has no sampling');
    channels.push({ name, type, bytes: type === 'half' ? 2 : 4, xSampling, ySampling });
  }
  if (channels.length === 0 || channels.length > MAX_CHANNELS)
    throw new ExrError(`it has ${channels.length} channels`);
  return channels;
}

/** Mode 0: one level, 1: mip map, 2: rip map; sizes of levels are halved, rounded down or up. */
function readTiles(description: Buffer, width: number, height: number): ExrTiles {
  const [tileWidth, tileHeight] = [description.readUInt32LE(0), description.readUInt32LE(4)];
  if (tileWidth < 1 || tileHeight < 1) throw new ExrError('its tiles have no size');
  const [mode, rounding] = [description.readUInt8(8) & 0x0f, description.readUInt8(8) >> 4];
  const sizes = (whole: number): number[] => levelSizes(whole, mode, rounding);
  const [across, down] = [sizes(width), sizes(height)];
  const levels = Math.max(across.length, down.length);
  if (mode === 1) for (const one of [across, down]) while (one.length < levels) one.push(1);
  return { width: tileWidth, height: tileHeight, across, down, ripMap: mode === 2 };
}

function countTiles({ width, height, across, down, ripMap }: ExrTiles): number {
  const columns = across.map((size) => Math.ceil(size / width));
  const rows = down.map((size) => Math.ceil(size / height));
  const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0);
  return ripMap ? sum(columns) * sum(rows) : sum(columns.map((count, level) => count * (rows[level] ?? 1)));
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
