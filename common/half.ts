// Half precision without platform support (Math.f16round is newer than the oldest Node here): IEEE binary16 and bfloat16 words to f32,
// and rounding of an f32 to the nearest half, ties to even.

/** Rounds to the nearest binary16 value; past 65,520 to infinity. */
export function roundToHalf(x: number): number {
  const size = Math.abs(x);
  if (!(size < 65520)) return Number.isNaN(x) ? x : Math.sign(x) * Number.POSITIVE_INFINITY;
  // adding and subtracting a power of two that leaves 10 bits below the leading one lets the addition itself round to even
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const unit = 2 ** (exponent - 10);
  const shift = 1.5 * 2 ** 52 * unit;
  return size === 0 ? x : Math.sign(x) * (size + shift - shift);
}

function halfToFloat(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 31;
  const fraction = word & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** binary16 words as f32, exactly. */
export const widenF16 = (words: Uint16Array): Float32Array => Float32Array.from(words, halfToFloat);

/** bfloat16 words as f32, exactly: they are the upper halves. */
export function widenBf16(words: Uint16Array): Float32Array {
  const out = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) out[i] = words[i]! << 16;
  return new Float32Array(out.buffer);
}
