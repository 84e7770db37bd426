import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';

/** What a worker is asked: a file, and the size of its parts where it will be uploaded in parts. */
export interface HashRequest {
  file: Blob;
  partBytes: number | null;
}
export type HashNews =
  { read: number } | { sha256: string; parts: string[] } | { changed: true } | { failed: string };

/** Read at once of a file that is not uploaded in parts. */
const PIECE_BYTES = 16_777_216;

/** Only a page that came over HTTPS, or from this very machine, has the fast one; and it takes no streams. */
async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = globalThis.crypto.subtle as SubtleCrypto | undefined;
  return bytesToHex(subtle ? new Uint8Array(await subtle.digest('SHA-256', bytes)) : sha256(bytes));
}

/** Reads a file once, piece by piece: never the whole of a large one. */
async function hash({ file, partBytes }: HashRequest): Promise<void> {
  const piece = partBytes ?? PIECE_BYTES;
  if (file.size <= piece) {
    const whole = await digest(new Uint8Array(await file.arrayBuffer()));
    post({ read: file.size });
    post({ sha256: whole, parts: [whole] });
    return;
  }
  const all = sha256.create();
  const parts: string[] = [];
  for (let at = 0; at < file.size; at += piece) {
    const bytes = new Uint8Array(await file.slice(at, at + piece).arrayBuffer());
    all.update(bytes);
    if (partBytes !== null) parts.push(await digest(bytes));
    post({ read: bytes.byteLength });
  }
  post({ sha256: bytesToHex(all.digest()), parts });
}

const post = (news: HashNews): void => self.postMessage(news);

self.addEventListener('message', ({ data }: MessageEvent<HashRequest>) => {
  hash(data).catch((error: unknown) => {
    // A browser gives out a file as it was chosen, or not at all.
    if (error instanceof DOMException && error.name === 'NotReadableError') post({ changed: true });
    else post({ failed: error instanceof Error ? error.message : String(error) });
  });
});
