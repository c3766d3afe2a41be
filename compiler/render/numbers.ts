// Numbers as text.

/** The shortest decimal of at most 9 digits that is this f32 again. */
export function shortestF32(x: number): string {
  const single = Math.fround(x);
  if (single === 0) return Object.is(single, -0) ? '-0.0' : '0.0';
  // the largest f32 in full: its 9 digits lie above it
  if (Math.abs(single) > 3.4028234e38) return single < 0 ? '-3.4028234663852886e38' : '3.4028234663852886e38';
  let text = `${single}`;
  for (let digits = 1; digits <= 9; digits++) {
    const short = single.toPrecision(digits);
    if (Math.fround(Number(short)) !== single) continue;
    text = `${Number(short)}`;
    break;
  }
  text = text.replace('e+', 'e');
  return /[.e]/.test(text) ? text : `${text}.0`;
}
