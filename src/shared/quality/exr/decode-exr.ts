import { ExrError, parseExrHeaders, COMPRESSIONS, type ExrHeaders, type ExrPart } from './exr-header.ts';
import { eachChunk, type ExrChunk } from './exr-chunks.ts';
import { mainLayer } from './main-layer.ts';
import { SampleReader } from './read-samples.ts';
import { unpackBlock, UNPACKED_COMPRESSIONS, type Block } from './unpack-block.ts';
import type { FileBytes } from '../decode/file-bytes.ts';
import { NotDecodable, Unreadable } from '../decode/not-decodable.ts';
import { assertPixels } from '../decode/pixel-limit.ts';
import type { PictureSink } from '../measure/picture-sink.ts';

const MAX_HEADER_BYTES = 8_388_608;
/** A block is in memory whole, some times over while it is unpacked. */
const MAX_BLOCK_BYTES = 268_435_456;
/** All blocks together, one after another: 200 channels of floats in 8K are 28 GB. */
const MAX_FILE_BYTES = 34_359_738_368;

/**
 * Decodes an OpenEXR file whole: every chunk that its headers promise must be there, in its place, and give exactly its
 * pixels. The main layer's lines go to the sink; of all channels of all parts it hears what is no number, and their bytes.
 * @throws ExrError for a file that is not whole; NotDecodable for what is written in a way that nobody here can decode,
 * after its structure has been checked
 */
export function decodeExr(file: FileBytes, sink: PictureSink): void {
  // The header stays in use while chunks are read over it.
  const headers = parseExrHeaders(Buffer.from(file.read(0, Math.min(file.size, MAX_HEADER_BYTES))));
  for (const part of headers.parts) assertPixels(part.width, part.height);
  const refused = whyNotDecoded(headers);
  if (refused !== null) {
    eachChunk(file, headers, () => undefined);
    throw new NotDecodable(refused);
  }
  const main = mainLayer(headers.parts);
  assertPixels(main.shape.width, main.shape.height);
  sink.size?.(main.shape.width, main.shape.height);
  assertBytes(headers.parts);
  sink.begin(main.shape);
  const readers = headers.parts.map(
    (part, index) => new SampleReader(part, index === main.part ? main.channels : [], sink),
  );
  eachChunk(file, headers, (chunk, part, data) => {
    const block = blockOf(part, chunk);
    const pixels = unpackBlock(data, part.compression, block);
    sink.bytes(pixels);
    readers[chunk.part]?.read(pixels, block, chunk);
  });
}

function assertBytes(parts: readonly ExrPart[]): void {
  const bytes = parts.reduce((sum, part) => sum + samplesOf(part) * bytesOfPixel(part), 0);
  if (bytes <= MAX_FILE_BYTES) return;
  throw new Unreadable(
    `claims ${Math.round(bytes / 1e9)} GB of pixels, more than the ${Math.round(MAX_FILE_BYTES / 1e9)} GB that are decoded`,
  );
}

/** Pixels of all levels. */
function samplesOf({ width, height, tiles }: ExrPart): number {
  if (!tiles) return width * height;
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  if (tiles.ripMap) return sum(tiles.across) * sum(tiles.down);
  return sum(tiles.across.map((across, level) => across * (tiles.down[level] ?? 1)));
}

const bytesOfPixel = ({ channels }: ExrPart): number =>
  channels.reduce((sum, one) => sum + one.bytes / (one.xSampling * one.ySampling), 0);

function whyNotDecoded({ parts }: ExrHeaders): string | null {
  if (parts.some(({ deep }) => deep)) return 'deep EXR pictures are not decoded';
  const unknown = parts.find(({ compression }) => compression >= UNPACKED_COMPRESSIONS);
  if (!unknown) return null;
  const name = COMPRESSIONS[unknown.compression] ?? `number ${unknown.compression}`;
  return `EXR files with the compression ${name} are not decoded`;
}

/** Samples of a sub-sampled channel stand at multiples of its sampling. */
function blockOf(part: ExrPart, { x, y, width, height }: ExrChunk): Block {
  const samples = (first: number, length: number, by: number): number =>
    Math.floor((first + length - 1) / by) - Math.ceil(first / by) + 1;
  const channels = part.channels.map((channel) => ({
    ...channel,
    columns: samples(x, width, channel.xSampling),
    rows: samples(y, height, channel.ySampling),
  }));
  const bytes = channels.reduce((sum, one) => sum + one.columns * one.rows * one.bytes, 0);
  if (bytes > MAX_BLOCK_BYTES)
    throw new ExrError(
      `a chunk of it would be ${bytes} bytes, more than the ${MAX_BLOCK_BYTES} that are decoded`,
    );
  return { yMin: y, lines: height, channels, bytes };
}
