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

/** Which blocks of a .blend are kept. */
export interface BlendWish {
  codes: ReadonlySet<string>;
  /** Structs whose blocks are looked at, too. What a block holds is known only at the end of the file: it is read twice. */
  structs: ReadonlySet<string>;
  /** Which of those are kept. */
  keep: (file: BlendFile, block: BlendBlock, struct: string) => boolean;
}

/** The blocks of some kinds of a .blend, and the means to read their fields. */
export class BlendFile {
  readonly version: number;
  readonly #blocks: BlendBlock[];
  readonly #header: Header;
  readonly #dna: BlendDna;

  /**
   * Reads a .blend of Blender 2.5 to 5, compressed or not, from start to end, and keeps the blocks that are wanted.
   * @throws RangeError when it is not a .blend, is cut off, or claims more than is sane
   */
  static async read(path: string, { codes, structs, keep }: BlendWish): Promise<BlendFile> {
    const seen = new Set<number>();
    const blocks: BlendBlock[] = [];
    let dna: Buffer | undefined;
    const wanted = ({ code, structIndex }: BlockHeader): boolean => {
      seen.add(structIndex);
      return code === 'DNA1' || codes.has(code);
    };
    const header = await readBlocks(path, wanted, (block) => {
      if (block.code === 'DNA1') dna = block.bytes;
      else blocks.push(block);
    });
    if (!dna) throw new RangeError('it does not describe its structs');
    const file = new BlendFile(header, blocks, new BlendDna(dna, header.pointerSize, header.littleEndian));
    const inside = new Map<number, string>();
    for (const index of seen) {
      const name = file.#dna.nameOf(index);
      if (name !== undefined && structs.has(name)) inside.set(index, name);
    }
    if (inside.size === 0) return file;
    const isInside = ({ code, structIndex }: BlockHeader): boolean =>
      code !== 'DNA1' && !codes.has(code) && inside.has(structIndex);
    await readBlocks(path, isInside, (block) => {
      if (!keep(file, block, inside.get(block.structIndex) ?? '')) return false;
      blocks.push(block);
      return true;
    });
    return file;
  }

  private constructor(header: Header, blocks: BlendBlock[], dna: BlendDna) {
    this.version = header.version;
    this.#blocks = blocks;
    this.#header = header;
    this.#dna = dna;
  }

  get blocks(): readonly BlendBlock[] {
    return this.#blocks;
  }

  struct(name: string): BlendStruct | undefined {
    return this.#dna.struct(name);
  }

  /** Name of the struct that a block holds, once or several times. */
  structName(block: BlendBlock): string | undefined {
    return this.#dna.nameOf(block.structIndex);
  }

  /** Where in a block each of its structs begins. */
  *placesIn(block: BlendBlock): Generator<number> {
    const size = this.#dna.sizeOf(this.structName(block) ?? '');
    if (size > 0) for (let at = 0; at + size <= block.bytes.length; at += size) yield at;
  }

  /** A data-block's name, without the two letters of its kind. */
  idName(block: BlendBlock): string {
    return (this.text(block, this.struct('ID'), 'name') ?? '').slice(2);
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

/**
 * Passes over all blocks of a file.
 * @param wanted which are read; DNA1 and ENDB are at its end.
 * @param take gets them; `false`: its bytes are not kept and count no further.
 */
async function readBlocks(
  path: string,
  wanted: (block: BlockHeader) => boolean,
  take: (block: BlendBlock) => unknown,
): Promise<Header> {
  const source = await ByteSource.open(path, MAX_FILE_BYTES);
  try {
    const header = await readHeader(source);
    let kept = 0;
    for (;;) {
      const block = await readBlockHeader(source, header);
      if (block.code === 'ENDB') return header;
      if (!wanted(block)) {
        await source.skip(block.length);
        continue;
      }
      if (block.length > MAX_BLOCK_BYTES || kept + block.length > MAX_KEPT_BYTES)
        throw new RangeError(`a block ${block.code} of ${block.length} bytes`);
      if (take({ ...block, bytes: await source.take(block.length) }) !== false) kept += block.length;
    }
  } finally {
    await source.close();
  }
}
