import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../../shared/domain/errors.ts';
import { NotDecodable, Unreadable } from '../../../shared/quality/decode/not-decodable.ts';
import { decoderOf, formatOf } from '../../../shared/quality/file-formats.ts';
import { judgePicture, judgeUnchecked, type Judged } from '../../../shared/quality/judge.ts';
import { measurePicture } from '../../../shared/quality/measure-picture.ts';
import { CompiledPolicy } from '../../../shared/quality/policy.ts';
import { encodeThumbnail } from '../../../shared/quality/thumbnail-file.ts';
import { hashFile } from '../../../shared/storage/hash-file.ts';
import { IN_MEMORY_BYTES, type Look, type LookRequest, type LookTrouble } from './look-messages.ts';

/** Memory is asked for in steps, so that the next file, of about the same size, fits as well. */
const STEP_BYTES = 262_144;

if (parentPort === null) throw new Error('This is the main module of a thread');
const port = parentPort;
port.on('message', (request: LookRequest) => {
  void look(request).then(
    (answer) => port.postMessage(answer, answer.memory === null ? [] : [answer.memory]),
    (error: unknown) => port.postMessage({ error: messageOf(error) } satisfies LookTrouble),
  );
});

/** Reads a file once, hashes and decodes it from there. */
async function look(request: LookRequest): Promise<Look> {
  const { path, frame } = request;
  const file = await readWhole(path, request.spare);
  const memory = file.bytes === null ? null : file.bytes.buffer;
  const known = { bytes: file.size, sha256: file.sha256, memory };
  if (file.size === 0) return { ...known, judged: null, unreadable: 'is empty', thumbnail: null };
  if (decoderOf(formatOf(path)) === 'ffmpeg')
    return { ...known, judged: null, unreadable: null, thumbnail: null };
  try {
    // No policy makes a result of a picture that is not the one asked for.
    const picture = await measurePicture(path, file.bytes, request.output);
    const policy = new CompiledPolicy(request.policy ?? {});
    const judged = judgePicture(picture, policy, request.output, frame);
    const thumbnail = policy.isOff ? null : await encodeThumbnail(picture.thumbnail);
    return { ...known, judged, unreadable: null, thumbnail };
  } catch (error) {
    if (error instanceof Unreadable)
      return { ...known, judged: null, unreadable: error.message, thumbnail: null };
    if (!(error instanceof NotDecodable)) throw error;
    return { ...known, judged: unchecked(error), unreadable: null, thumbnail: null };
  }
}

const unchecked = (error: NotDecodable): Judged => judgeUnchecked(error.message);

interface WholeFile {
  bytes: Buffer<ArrayBuffer> | null;
  size: number;
  sha256: string;
}

async function readWhole(path: string, spare: ArrayBuffer | null): Promise<WholeFile> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > IN_MEMORY_BYTES) {
      const { sha256, bytes } = await hashFile(path);
      return { bytes: null, size: bytes, sha256 };
    }
    const memory =
      spare && spare.byteLength >= size
        ? spare
        : new ArrayBuffer(Math.ceil((size + 1) / STEP_BYTES) * STEP_BYTES);
    const bytes = Buffer.from(memory, 0, size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await file.read(bytes, done, size - done, done);
      if (bytesRead === 0) throw new Error(`${path} has become shorter while it was read`);
      done += bytesRead;
    }
    return { bytes, size, sha256: createHash('sha256').update(bytes).digest('hex') };
  } finally {
    await file.close();
  }
}
