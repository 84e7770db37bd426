let table: Float32Array | undefined;

/** The value of every number of sixteen bits (IEEE 754 binary16), by its bits. */
export function halves(): Float32Array {
  table ??= Float32Array.from({ length: 65_536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1_023;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1_024) * 2 ** (exponent - 15);
  });
  return table;
}
