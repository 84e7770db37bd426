import { BlendDna, type BlendStruct } from './blend-dna.ts';
import { ByteSource } from './byte-source.ts';

const MAX_FILE_BYTES = 64 * 1024 ** 3;
const MAX_KEPT_BYTES = 256 * 1024 * 1024;
const MAX_BLOCK_BYTES = 32 * 1024 * 1024;

export interface BlendBlock {
  code: string;
  /** Address that pointers in the file mean it by. */
  address: bigint;
  structIndex: number;
  bytes: Buffer;
}

interface Header {
  pointerSize: number;
  littleEndian: boolean;
  /** Blender's version times 100 plus the minor one: 304, 405, 500. */
  version: number;
  /** Blender 5's form of block headers, with lengths of 64 bits. */
  large: boolean;
}

/** The blocks of some kinds of a .blend, and the means to read their fields. */
export class BlendFile {
  readonly version: number;
  readonly blocks: readonly BlendBlock[];
  readonly #header: Header;
  readonly #dna: BlendDna;

  /**
   * Reads a .blend of Blender 2.5 to 5, compressed or not, from start to end, and keeps the blocks of the given codes.
   * @throws RangeError when it is not a .blend, is cut off, or claims more than is sane
   */
  static async read(path: string, codes: ReadonlySet<string>): Promise<BlendFile> {
    const source = await ByteSource.open(path, MAX_FILE_BYTES);
    try {
      const header = await readHeader(source);
      const { blocks, dna } = await readBlocks(source, header, codes);
      return new BlendFile(header, blocks, new BlendDna(dna, header.pointerSize, header.littleEndian));
    } finally {
      await source.close();
    }
  }

  private constructor(header: Header, blocks: BlendBlock[], dna: BlendDna) {
    this.version = header.version;
    this.blocks = blocks;
    this.#header = header;
    this.#dna = dna;
  }

  struct(name: string): BlendStruct | undefined {
    return this.#dna.struct(name);
  }

  structOf(block: BlendBlock): BlendStruct | undefined {
    const name = this.#dna.nameOf(block.structIndex);
    return name === undefined ? undefined : this.#dna.struct(name);
  }

  /** A number of 1, 2 or 4 bytes; undefined when the struct has no such field or the block is too short. */
  int(block: BlendBlock, struct: BlendStruct | undefined, field: string, base = 0): number | undefined {
    const found = struct?.get(field);
    if (!found || base + found.offset + found.size > block.bytes.length) return undefined;
    const at = base + found.offset;
    const length = found.size / found.count;
    if (length !== 1 && length !== 2 && length !== 4) return undefined;
    return this.#header.littleEndian ? block.bytes.readIntLE(at, length) : block.bytes.readIntBE(at, length);
  }

  float(block: BlendBlock, struct: BlendStruct | undefined, field: string, base = 0): number | undefined {
    const found = struct?.get(field);
    if (found?.type !== 'float' || base + found.offset + 4 > block.bytes.length) return undefined;
    const at = base + found.offset;
    return this.#header.littleEndian ? block.bytes.readFloatLE(at) : block.bytes.readFloatBE(at);
  }

  /** Text up to its zero byte. */
  text(block: BlendBlock, struct: BlendStruct | undefined, field: string, base = 0): string | undefined {
    const found = struct?.get(field);
    if (!found || found.pointer || base + found.offset + found.size > block.bytes.length) return undefined;
    const bytes = block.bytes.subarray(base + found.offset, base + found.offset + found.size);
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  }

  /** An address, of the first of them when the field holds several. */
  pointer(block: BlendBlock, struct: BlendStruct | undefined, field: string, base = 0): bigint | undefined {
    const found = struct?.get(field);
    if (!found || base + found.offset + this.#header.pointerSize > block.bytes.length) return undefined;
    return readPointer(block.bytes, base + found.offset, this.#header);
  }
}

async function readHeader(source: ByteSource): Promise<Header> {
  const magic = (await source.take(7)).toString('latin1');
  if (magic !== 'BLENDER') throw new RangeError('it does not start like a .blend');
  const next = (await source.take(1)).toString('latin1');
  if (next === '_' || next === '-') {
    const rest = (await source.take(4)).toString('latin1');
    const version = Number(/^[vV](\d{3})$/.exec(rest)?.[1] ?? Number.NaN);
    if (Number.isNaN(version)) throw new RangeError('its header is damaged');
    return { pointerSize: next === '_' ? 4 : 8, littleEndian: rest.startsWith('v'), version, large: false };
  }
  // Since Blender 5: size of the header in two digits, '-', form of the file, 'v', version in four digits.
  const rest = next + (await source.take(9)).toString('latin1');
  const match = /^17-01v(\d{4})$/.exec(rest);
  if (!match) throw new RangeError(`its header has the unknown form ${JSON.stringify(magic + rest)}`);
  return { pointerSize: 8, littleEndian: true, version: Number(match[1]), large: true };
}

interface BlockHeader {
  code: string;
  length: number;
  address: bigint;
  structIndex: number;
}

async function readBlockHeader(source: ByteSource, header: Header): Promise<BlockHeader> {
  const bytes = await source.take(header.large ? 32 : 16 + header.pointerSize);
  const code = bytes.toString('latin1', 0, 4).replace(/\0+$/, '');
  const int = (at: number): number => (header.littleEndian ? bytes.readInt32LE(at) : bytes.readInt32BE(at));
  const length = header.large ? Number(bytes.readBigInt64LE(16)) : int(4);
  const structIndex = header.large ? int(4) : int(8 + header.pointerSize);
  if (length < 0 || !Number.isSafeInteger(length)) throw new RangeError(`a block of ${length} bytes`);
  return { code, length, address: readPointer(bytes, 8, header), structIndex };
}

function readPointer(bytes: Buffer, at: number, header: Header): bigint {
  if (header.pointerSize === 8)
    return header.littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
  return BigInt(header.littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
}

async function readBlocks(
  source: ByteSource,
  header: Header,
  codes: ReadonlySet<string>,
): Promise<{ blocks: BlendBlock[]; dna: Buffer }> {
  const blocks: BlendBlock[] = [];
  let dna: Buffer | undefined;
  let kept = 0;
  for (;;) {
    const block = await readBlockHeader(source, header);
    if (block.code === 'ENDB') break;
    const isDna = block.code === 'DNA1';
    if (!isDna && !codes.has(block.code)) {
      await source.skip(block.length);
      continue;
    }
    kept += block.length;
    if (block.length > MAX_BLOCK_BYTES || kept > MAX_KEPT_BYTES)
      throw new RangeError(`a block ${block.code} of ${block.length} bytes`);
    const bytes = await source.take(block.length);
    if (isDna) dna = bytes;
    else blocks.push({ ...block, bytes });
  }
  if (!dna) throw new RangeError('it does not describe its structs');
  return { blocks, dna };
}
