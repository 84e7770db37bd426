import { ExrError } from './exr-header.ts';

/** Codes up to so many bits are looked up at once. */
const TABLE_BITS = 14;
const LONGEST = 58;
const SYMBOLS = 65_537;
/** Lengths from here on stand for runs of symbols that do not occur. */
const SHORT_RUN = 59;
const LONG_RUN = 63;
const SHORTEST_LONG_RUN = 6;

const broken = (): ExrError => new ExrError('a chunk does not decompress');

/** A canonical Huffman code: the longest codes come first. */
interface Code {
  /** By the next bits: the symbol times 64 and the code's length; 0 for a longer code. */
  table: Int32Array;
  /** By length: the first code, and where its symbols begin in `sorted`. */
  first: Int32Array;
  place: Int32Array;
  counts: Int32Array;
  sorted: Int32Array;
}

/**
 * Decodes the Huffman code of PIZ into `out`, all of it.
 * @throws ExrError when the code is broken or gives another number of values
 */
export function decodeHuffman(data: Buffer, out: Uint16Array): void {
  if (out.length === 0) return;
  if (data.length < 20) throw broken();
  const [least, most, bitCount] = [data.readUInt32LE(0), data.readUInt32LE(4), data.readUInt32LE(12)];
  if (least >= SYMBOLS || most >= SYMBOLS || least > most) throw broken();
  const { lengths, end } = readLengths(data, 20, least, most);
  const bytes = data.subarray(end, end + Math.ceil(bitCount / 8));
  if (bytes.length * 8 < bitCount) throw broken();
  decodeValues(bytes, bitCount, codeOf(lengths), most, out);
}

/** Six bits a symbol. */
function readLengths(
  data: Buffer,
  start: number,
  least: number,
  most: number,
): { lengths: Uint8Array; end: number } {
  const lengths = new Uint8Array(SYMBOLS);
  let at = start;
  let held = 0;
  let bits = 0;
  const next = (count: number): number => {
    for (; bits < count; bits += 8) {
      const byte = data[at++];
      if (byte === undefined) throw broken();
      held = ((held << 8) | byte) & 0xffffff;
    }
    bits -= count;
    return (held >> bits) & ((1 << count) - 1);
  };
  for (let symbol = least; symbol <= most;) {
    const length = next(6);
    const run =
      length === LONG_RUN ? next(8) + SHORTEST_LONG_RUN : length >= SHORT_RUN ? length - SHORT_RUN + 2 : 1;
    if (symbol + run > most + 1) throw broken();
    if (length < SHORT_RUN) lengths[symbol] = length;
    symbol += run;
  }
  return { lengths, end: at };
}

function codeOf(lengths: Uint8Array): Code {
  const counts = new Int32Array(LONGEST + 1);
  for (const length of lengths) if (length > 0) counts[length] = (counts[length] ?? 0) + 1;
  const first = new Int32Array(LONGEST + 1);
  const place = new Int32Array(LONGEST + 1);
  for (let length = LONGEST, code = 0, symbols = 0; length > 0; length--) {
    first[length] = code;
    place[length] = symbols;
    symbols += counts[length] ?? 0;
    code = (code + (counts[length] ?? 0)) >> 1;
  }
  const table = new Int32Array(1 << TABLE_BITS);
  const sorted = new Int32Array(SYMBOLS);
  const used = new Int32Array(LONGEST + 1);
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    const length = lengths[symbol] ?? 0;
    if (length === 0) continue;
    const index = used[length] ?? 0;
    used[length] = index + 1;
    sorted[(place[length] ?? 0) + index] = symbol;
    if (length > TABLE_BITS) continue;
    const from = ((first[length] ?? 0) + index) << (TABLE_BITS - length);
    const to = from + (1 << (TABLE_BITS - length));
    if (to > table.length) throw broken();
    table.fill((symbol << 6) | length, from, to);
  }
  return { table, first, place, counts, sorted };
}

/** Bits from the highest of each byte on. Behind the last byte zeros follow; `left` says which bits count. */
class Bits {
  readonly #bytes: Buffer;
  #at = 0;
  #held = 0;
  #count = 0;
  left: number;

  constructor(bytes: Buffer, left: number) {
    this.#bytes = bytes;
    this.left = left;
  }

  /** The next bits, up to fourteen, which stay. */
  peek(count: number): number {
    for (; this.#count < count; this.#count += 8)
      this.#held = ((this.#held << 8) | (this.#bytes[this.#at++] ?? 0)) & 0x3fffff;
    return (this.#held >> (this.#count - count)) & ((1 << count) - 1);
  }

  drop(count: number): void {
    this.#count -= count;
    this.left -= count;
    if (this.left < 0) throw broken();
  }

  take(count: number): number {
    const value = this.peek(count);
    this.drop(count);
    return value;
  }
}

/** @param run the symbol after which eight bits say how often the value before is repeated */
function decodeValues(bytes: Buffer, bitCount: number, code: Code, run: number, out: Uint16Array): void {
  const { table } = code;
  const bits = new Bits(bytes, bitCount);
  let to = 0;
  while (bits.left > 0) {
    const entry = table[bits.peek(TABLE_BITS)] ?? 0;
    if (entry !== 0) bits.drop(entry & 63);
    const symbol = entry === 0 ? longSymbol(bits, code) : entry >> 6;
    const isRun = symbol === run;
    const count = isRun ? bits.take(8) : 1;
    if (to + count > out.length || (isRun && to === 0)) throw broken();
    if (isRun) out.fill(out[to - 1] ?? 0, to, to + count);
    else out[to] = symbol;
    to += count;
  }
  if (to !== out.length) throw broken();
}

/** A symbol whose code is longer than the table's. */
function longSymbol(bits: Bits, code: Code): number {
  let value = bits.take(TABLE_BITS);
  for (let length = TABLE_BITS + 1; length <= LONGEST; length++) {
    value = value * 2 + bits.take(1);
    const index = value - (code.first[length] ?? 0);
    if (index >= 0 && index < (code.counts[length] ?? 0))
      return code.sorted[(code.place[length] ?? 0) + index] ?? 0;
  }
  throw broken();
}
