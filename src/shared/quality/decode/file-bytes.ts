import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A file's bytes, from memory or, where it is too large for that, from the disk piece by piece. */
export interface FileBytes {
  readonly size: number;
  /** Exactly `length` bytes; they stay as they are only until the next read. @throws RangeError beyond the end */
  read: (position: number, length: number) => Buffer;
}

export function bytesInMemory(bytes: Buffer): FileBytes {
  return {
    size: bytes.length,
    read: (position, length) => {
      if (position < 0 || length < 0 || position + length > bytes.length)
        throw new RangeError('the file is shorter than that');
      return bytes.subarray(position, position + length);
    },
  };
}

/** Opens a file for the time that `use` takes. */
export function withFileBytes(path: string, use: (bytes: FileBytes) => void): void {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    let buffer = Buffer.alloc(0);
    use({
      size,
      read: (position, length) => {
        if (position < 0 || length < 0 || position + length > size)
          throw new RangeError('the file is shorter than that');
        if (buffer.length < length) buffer = Buffer.allocUnsafe(length);
        for (let done = 0; done < length;) {
          const read = readSync(file, buffer, done, length - done, position + done);
          if (read === 0) throw new RangeError('the file has become shorter');
          done += read;
        }
        return buffer.subarray(0, length);
      },
    });
  } finally {
    closeSync(file);
  }
}
