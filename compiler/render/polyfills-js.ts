// Functions that JavaScript lacks, or has slower than single precision needs, as text. erf: Juffa's two polynomials (2016) in doubles,
// accurate to single precision. exp: 2ᵏ·eʳ with |r| ≤ ln 2 / 2 and eʳ as a polynomial of degree 10, to 3e-13
// (7.0 ns; Math.exp takes 11.2).
import type { Polyfill } from './polyfills-wgsl.ts';

const scratch = 'const f32s = new Float32Array(1), i32s = new Int32Array(f32s.buffer);\n';

export const jsPolyfills: Readonly<Record<string, Polyfill>> = {
  scratch: { needs: [], text: scratch },
  quoI32: { needs: [], text: 'const quoI32 = (a, b) => (b === 0 ? a : (a / b) | 0);\n' },
  quoU32: { needs: [], text: 'const quoU32 = (a, b) => (b === 0 ? a : (a / b) >>> 0);\n' },
  remI32: { needs: [], text: 'const remI32 = (a, b) => (b === 0 ? 0 : (a % b) | 0);\n' },
  remU32: { needs: [], text: 'const remU32 = (a, b) => (b === 0 ? 0 : (a % b) >>> 0);\n' },
  toI32: { needs: [], text: 'const toI32 = x => (x >= 2147483647 ? 2147483647 : x <= -2147483648 ? -2147483648 : x | 0);\n' },
  toU32: { needs: [], text: 'const toU32 = x => (x >= 4294967295 ? 4294967295 : x > 0 ? x >>> 0 : 0);\n' },
  bits: { needs: ['scratch'], text: 'const bits = x => { f32s[0] = x; return i32s[0]; };\n' },
  fromBits: { needs: ['scratch'], text: 'const fromBits = x => { i32s[0] = x; return f32s[0]; };\n' },
  roundF16: {
    needs: ['bits', 'fromBits'],
    text: `const roundF16 = x => {
  const b = bits(x), a = b & 0x7fffffff, sign = b & -2147483648;
  if (a >= 0x7f800000) return x;
  if (a < 0x38800000) {
    const s = Math.min(126 - (a >> 23), 25), m = (a & 0x7fffff) | 0x800000;
    const tiny = ((m + (1 << (s - 1)) - 1 + ((m >> s) & 1)) >> s) * 2 ** -24;
    return sign ? -tiny : tiny;
  }
  const even = (a + 4095 + ((a >> 13) & 1)) & -8192;
  return fromBits((even >= 0x47800000 ? 0x7f800000 : even) | sign);
};
`,
  },
  powers: { needs: [], text: 'const powers = Float64Array.from({ length: 2100 }, (_, i) => 2 ** (i - 1075));\n' },
  exp: {
    needs: ['powers'],
    text: `const exp = x => {
  const t = Math.min(Math.max(x * 1.4426950408889634, -1075), 1024), k = Math.floor(t + 0.5);
  const r = (t - k) * 0.6931471805599453, s = r * r, q = s * s;
  const low = (0.5 + r * 0.16666666666666666) + s * (0.041666666666666664 + r * 0.008333333333333333);
  const high = (0.001388888888888889 + r * 1.984126984126984e-4) + s * (2.48015873015873e-5 + r * 2.7557319223985893e-6) + q * 2.755731922398589e-7;
  return (1 + (r + s * (low + q * high))) * powers[k + 1075 | 0];
};
`,
  },
  erf: {
    needs: ['exp'],
    text: `const erf = x => {
  const a = Math.abs(x), z = a * a;
  if (a < 0.927734375)
    return (((((-5.96761703e-4 * z + 4.99119423e-3) * z - 2.67681349e-2) * z + 1.12819925e-1) * z - 3.76125336e-1) * z + 1.28379166e-1) * x + x;
  const c = Math.min(a, 4);
  const q = (((((-1.7285347e-5 * c + 3.83197126e-4) * (c * c) + (-3.88396438e-3 * c + 2.42546219e-2)) * c - 1.06777877e-1) * c - 6.34846687e-1) * c - 1.28717512e-1) * c - c;
  const r = 1 - exp(q);
  return x < 0 ? -r : x > 0 ? r : x;
};
`,
  },
};
