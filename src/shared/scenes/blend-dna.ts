/** Where a field lies in a struct of a .blend, and how much there is of it. */
export interface BlendField {
  type: string;
  /** Without `*` and `[n]`. */
  name: string;
  pointer: boolean;
  offset: number;
  size: number;
  /** Product of the array's sizes; 1 for a single value. */
  count: number;
}

export type BlendStruct = ReadonlyMap<string, BlendField>;

const MAX_ENTRIES = 100_000;

/**
 * The description of all structs that every .blend carries (block `DNA1`): names, types, sizes of types, structs. Read
 * after Blender's doc/blender_file_format (BlendFileDnaExporter). Every count is checked against the bytes there are.
 * @throws RangeError for anything that does not fit
 */
export class BlendDna {
  readonly #names: string[];
  readonly #types: string[];
  readonly #sizes: number[];
  /** By struct index: type index and (type, name) index pairs. */
  readonly #structs: { type: number; fields: [number, number][] }[] = [];
  readonly #pointerSize: number;
  readonly #known = new Map<string, BlendStruct | undefined>();

  constructor(bytes: Buffer, pointerSize: number, littleEndian: boolean) {
    this.#pointerSize = pointerSize;
    const reader = new DnaReader(bytes, littleEndian);
    reader.expect('SDNA');
    reader.expect('NAME');
    this.#names = reader.strings();
    reader.expect('TYPE');
    this.#types = reader.strings();
    reader.expect('TLEN');
    this.#sizes = this.#types.map(() => reader.short());
    reader.align();
    reader.expect('STRC');
    const structs = reader.count();
    for (let i = 0; i < structs; i++) {
      const type = reader.short();
      const fields = Array.from({ length: reader.short() }, (): [number, number] => [
        reader.short(),
        reader.short(),
      ]);
      this.#structs.push({ type, fields });
    }
  }

  /** The struct that a block's `SDNAnr` names. */
  nameOf(index: number): string | undefined {
    const struct = this.#structs[index];
    return struct && this.#types[struct.type];
  }

  /** Bytes of one struct of this name, which blocks may hold several of; 0 when the file has none. */
  sizeOf(name: string): number {
    return this.#sizes[this.#types.indexOf(name)] ?? 0;
  }

  /** The fields of a struct by name; undefined when the file has none of that name. */
  struct(name: string): BlendStruct | undefined {
    if (!this.#known.has(name)) this.#known.set(name, this.#read(name));
    return this.#known.get(name);
  }

  #read(name: string): BlendStruct | undefined {
    const struct = this.#structs.find(({ type }) => this.#types[type] === name);
    if (!struct) return undefined;
    const fields = new Map<string, BlendField>();
    let offset = 0;
    for (const [typeIndex, nameIndex] of struct.fields) {
      const declared = this.#names[nameIndex] ?? '';
      const pointer = declared.startsWith('*') || declared.startsWith('(*');
      const count = countOf(declared);
      const one = pointer ? this.#pointerSize : (this.#sizes[typeIndex] ?? 0);
      const plain = declared.replace(/^[(*]+/, '').replace(/[[)].*$/, '');
      fields.set(plain, {
        type: this.#types[typeIndex] ?? '',
        name: plain,
        pointer,
        offset,
        size: one * count,
        count,
      });
      offset += one * count;
    }
    return fields;
  }
}

function countOf(declared: string): number {
  let count = 1;
  for (const [, digits] of declared.matchAll(/\[(\d{1,9})\]/g)) count *= Number(digits);
  if (count > 1 << 30) throw new RangeError(`a field of ${count} values`);
  return count;
}

class DnaReader {
  readonly #bytes: Buffer;
  readonly #little: boolean;
  #at = 0;

  constructor(bytes: Buffer, littleEndian: boolean) {
    this.#bytes = bytes;
    this.#little = littleEndian;
  }

  expect(tag: string): void {
    const found = this.#bytes.toString('latin1', this.#at, this.#at + 4);
    if (found !== tag) throw new RangeError(`its description of structs has no ${tag}`);
    this.#at += 4;
  }

  count(): number {
    const value = this.#little ? this.#bytes.readInt32LE(this.#at) : this.#bytes.readInt32BE(this.#at);
    this.#at += 4;
    if (value < 0 || value > MAX_ENTRIES)
      throw new RangeError(`${value} entries in its description of structs`);
    return value;
  }

  short(): number {
    const value = this.#little ? this.#bytes.readUInt16LE(this.#at) : this.#bytes.readUInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  strings(): string[] {
    const count = this.count();
    const strings: string[] = [];
    for (let i = 0; i < count; i++) {
      const end = this.#bytes.indexOf(0, this.#at);
      if (end < 0) throw new RangeError('a name without an end in its description of structs');
      strings.push(this.#bytes.toString('latin1', this.#at, end));
      this.#at = end + 1;
    }
    this.align();
    return strings;
  }

  align(): void {
    this.#at = (this.#at + 3) & ~3;
  }
}
