import { messageOf } from '../domain/errors.ts';
import { bytesInMemory, withFileBytes, type FileBytes } from './decode/file-bytes.ts';
import { NotDecodable, Unreadable } from './decode/not-decodable.ts';
import { decoderOf, formatOf } from './file-formats.ts';
import { Measurer, type MeasuredPicture, type WantedSize } from './measure/measurer.ts';

const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');

/**
 * Decodes a picture whole, once, and measures it. Takes a core for as long as that takes: callers with something else to do
 * call it in a thread.
 * @param bytes the file's, or null: then it is read from the disk, piece by piece where its decoder can
 * @param wanted another size is refused by the header, before anything is decoded
 * @throws Unreadable; NotDecodable
 */
export async function measurePicture(
  path: string,
  bytes: Buffer | null,
  wanted: WantedSize = {},
): Promise<MeasuredPicture> {
  const format = formatOf(path);
  const measurer = new Measurer(wanted);
  const decoder = decoderOf(format);
  if (decoder === 'sharp') {
    // libvips is loaded only by who looks at such a picture.
    const { decodeWithSharp } = await import('./decode/with-sharp.ts');
    await decodeWithSharp(bytes ?? path, format, measurer);
    if (format === 'png') withBytes(path, bytes, assertPngEnd);
  } else if (decoder === 'exr') {
    const { decodeExr } = await import('./exr/decode-exr.ts');
    withBytes(path, bytes, (file) => structured('EXR', () => decodeExr(file, measurer)));
  } else if (decoder === 'radiance') {
    const { decodeRadiance } = await import('./decode/radiance.ts');
    withBytes(path, bytes, (file) => structured('Radiance', () => decodeRadiance(file, measurer)));
  } else throw new NotDecodable(`files with the ending ".${format}" are not decoded here`);
  return measurer.finish();
}

function withBytes(path: string, bytes: Buffer | null, use: (file: FileBytes) => void): void {
  if (bytes) use(bytesInMemory(bytes));
  else withFileBytes(path, use);
}

function structured(kind: string, decode: () => void): void {
  try {
    decode();
  } catch (error) {
    if (error instanceof NotDecodable || error instanceof Unreadable) throw error;
    throw new Unreadable(`is not a whole ${kind} file: ${messageOf(error)}`, { cause: error });
  }
}

/** Decoders are content once they have all pixels; the end mark tells that the file was written to its end. */
function assertPngEnd(file: FileBytes): void {
  const end = file.size < 12 ? null : file.read(file.size - 12, 12);
  if (!end?.equals(PNG_END)) throw new Unreadable('does not end as a PNG file does');
}
