// Functions that WGSL lacks, or grants too little precision for. Each is one text for scalars and vectors: $T is f32 or vec4<f32>,
// $I, $U and $B the same of i32, u32 and bool, $W the suffix of its name. Everything that must be exact is done on bits, and
// infinities and NaN come from bits of a variable, because constants may not hold them.
// exp, log, tanh, sin, cos: polynomials of Cephes (Moshier 1989, single precision); erf: Juffa's two polynomials (2016).

export interface Polyfill {
  readonly text: string;
  /** Others that the text calls. */
  readonly needs: readonly string[];
}

const horner = (x: string, coefficients: readonly string[]): string =>
  coefficients
    .slice(1)
    .map(c => `  p = p * ${x} + ${c};\n`)
    .join('');
const start = (coefficients: readonly string[]): string => `  var p = $T(${coefficients[0]});\n`;
const polynomial = (x: string, coefficients: readonly string[]): string => start(coefficients) + horner(x, coefficients);

export const wgslPolyfills: Readonly<Record<string, Polyfill>> = {
  // Bits of an exponent all ones, made at run time.
  f_infinity: {
    needs: [],
    text: `var<private> infinity_bits: i32 = 0x7f800000;
`,
  },
  f_exp: {
    needs: [],
    text: `fn f_exp$W(x: $T) -> $T {
  let c = clamp(x, $T(-104.0), $T(89.0));
  let n = round(c * 1.44269504);
  let r = (c - n * 0.693359375) + n * 2.12194440e-4;
${polynomial('r', ['1.9875691500e-4', '1.3981999507e-3', '8.3334519073e-3', '4.1665795894e-2', '1.6666665459e-1', '5.0000001201e-1'])}  p = (p * (r * r) + r) + 1.0;
  let i = $I(n);
  let h = i >> $U(1u);
  return p * bitcast<$T>((h + 127) << $U(23u)) * bitcast<$T>((i - h + 127) << $U(23u));
}
`,
  },
  f_log: {
    needs: ['f_infinity'],
    text: `fn f_log$W(x: $T) -> $T {
  let small = x < $T(1.17549435e-38);
  let scaled = bitcast<$I>(select(x, x * 8388608.0, small));
  let e = (scaled - 0x3f3504f3) >> $U(23u);
  let m = bitcast<$T>(scaled - (e << $U(23u))) - 1.0;
  let n = $T(e) - select($T(0.0), $T(23.0), small);
  let z = m * m;
${polynomial('m', ['7.0376836292e-2', '-1.1514610310e-1', '1.1676998740e-1', '-1.2420140846e-1', '1.4249322787e-1', '-1.6668057665e-1', '2.0000714765e-1', '-2.4999993993e-1', '3.3333331174e-1'])}  p = p * m * z;
  p = p - n * 2.12194440e-4;
  p = p - 0.5 * z;
  let finite = (m + p) + n * 0.693359375;
  let b = bitcast<$I>(x);
  let infinity = $I(infinity_bits);
  let beyond = select(infinity | $I(0x400000), b, b >= infinity);
  let special = select(beyond, infinity | $I(-2147483647 - 1), x == $T(0.0));
  return select(finite, bitcast<$T>(special), (x <= $T(0.0)) | (b >= infinity) | (b < $I(0)));
}
`,
  },
  f_pow: {
    needs: ['f_exp', 'f_log'],
    text: `fn f_pow$W(x: $T, y: $T) -> $T {
  let size = f_exp$W(y * f_log$W(abs(x)));
  let whole = floor(y) == y;
  let odd = whole & (floor(y * 0.5) * 2.0 != y);
  let signed = select(size, -size, odd & (x < $T(0.0)));
  let nan = bitcast<$T>($I(infinity_bits | 0x400000));
  return select(select(signed, nan, (x < $T(0.0)) & !whole), $T(1.0), y == $T(0.0));
}
`,
  },
  f_tanh: {
    needs: ['f_exp'],
    text: `fn f_tanh$W(x: $T) -> $T {
  let a = min(abs(x), $T(10.0));
  let z = a * a;
${polynomial('z', ['-5.70498872745e-3', '2.06390887954e-2', '-5.37397155531e-2', '1.33314422036e-1', '-3.33332819422e-1'])}  p = p * z * a + a;
  let r = select(1.0 - 2.0 / (f_exp$W(a + a) + 1.0), p, a < $T(0.625));
  return select(r, -r, x < $T(0.0));
}
`,
  },
  f_erf: {
    needs: ['f_exp'],
    text: `fn f_erf$W(x: $T) -> $T {
  let a = min(abs(x), $T(4.0));
  let z = a * a;
${polynomial('z', ['-5.96761703e-4', '4.99119423e-3', '-2.67681349e-2', '1.12819925e-1', '-3.76125336e-1', '1.28379166e-1'])}  let near = p * a + a;
  var q = $T(-1.72853470e-5) * a + 3.83197126e-4;
  q = q * z + ($T(-3.88396438e-3) * a + 2.42546219e-2);
  q = q * a - 1.06777877e-1;
  q = q * a - 6.34846687e-1;
  q = q * a - 1.28717512e-1;
  q = q * a - a;
  let r = select(1.0 - f_exp$W(q), near, a < $T(0.927734375));
  return select(r, -r, x < $T(0.0));
}
`,
  },
  f_sincos: {
    needs: [],
    text: `fn f_sincos$W(x: $T, quarter: $I) -> $T {
  let k = round(x * 0.636619772);
  let r = ((x - k * 1.5703125) - k * 4.837512969970703125e-4) - k * 7.54978995489188216e-8;
  let q = $I(k) + quarter;
  let z = r * r;
${polynomial('z', ['-1.9515295891e-4', '8.3321608736e-3', '-1.6666654611e-1'])}  let s = p * z * r + r;
  p = $T(2.443315711809948e-5);
${horner('z', ['', '-1.388731625493765e-3', '4.166664568298827e-2'])}  let c = p * z * z - 0.5 * z + 1.0;
  let t = select(s, c, (q & $I(1)) != $I(0));
  return select(t, -t, (q & $I(2)) != $I(0));
}
`,
  },
  f_sin: { needs: ['f_sincos'], text: 'fn f_sin$W(x: $T) -> $T {\n  return f_sincos$W(x, $I(0));\n}\n' },
  f_cos: { needs: ['f_sincos'], text: 'fn f_cos$W(x: $T) -> $T {\n  return f_sincos$W(x, $I(1));\n}\n' },
  // Truncated; out of range is the nearest end; NaN (by its bits, since comparisons may assume there is none) is 0.
  f_toI32: {
    needs: [],
    text: `fn f_toI32$W(x: $T) -> $I {
  let inside = $I(clamp(x, $T(-2147483648.0), $T(2147483520.0)));
  let r = select(inside, $I(2147483647), x >= $T(2147483648.0));
  return select(r, $I(0), (bitcast<$I>(x) & $I(0x7fffffff)) > $I(0x7f800000));
}
`,
  },
  f_toU32: {
    needs: [],
    text: `fn f_toU32$W(x: $T) -> $U {
  let inside = $U(clamp(x, $T(0.0), $T(4294967040.0)));
  let r = select(inside, $U(4294967295u), x >= $T(4294967296.0));
  return select(r, $U(0u), (bitcast<$I>(x) & $I(0x7fffffff)) > $I(0x7f800000));
}
`,
  },
  // Nearest half, ties to even: 13 bits are dropped from a normal one, more from a subnormal one.
  f_roundF16: {
    needs: [],
    text: `fn f_roundF16$W(x: $T) -> $T {
  let b = bitcast<$I>(x);
  let a = b & $I(0x7fffffff);
  let even = (a + 4095 + ((a >> $U(13u)) & $I(1))) & $I(-8192);
  let normal = select(even, $I(0x7f800000), even >= $I(0x47800000));
  let s = $U(clamp(126 - (a >> $U(23u)), $I(1), $I(25)));
  let m = (a & $I(0x7fffff)) | $I(0x800000);
  let n = (m + (($I(1) << (s - 1u)) - 1) + ((m >> s) & $I(1))) >> s;
  let tiny = bitcast<$I>($T(n) * 5.9604644775390625e-8);
  let r = select(select(normal, a, a >= $I(0x7f800000)), tiny, a < $I(0x38800000));
  return bitcast<$T>(r | (b & $I(-2147483647 - 1)));
}
`,
  },
};
