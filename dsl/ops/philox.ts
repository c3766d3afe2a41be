// Philox 4×32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw ("Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// table 2 and section 5.2), as a scalar function of 32-bit words: four words of randomness are a function of a 128-bit counter and a
// 64-bit key alone, so every element of a tensor is computed where it is needed, on any device, to the same bits.
import type { ScalarBuilder } from '../scalar.ts';

/** Multipliers of the two halves of the counter, and the Weyl increments of the key's two words. */
const multipliers = [0xd2511f53, 0xcd9e8d57] as const;
const weyl = [0x9e3779b9, 0xbb67ae85] as const;
const rounds = 10;

type Pair = readonly [number, number];
type Quad = readonly [number, number, number, number];

/** The 64-bit product of a word and a constant as [high, low], from 16-bit halves: no target has a wide multiply. */
function multiplyWide(b: ScalarBuilder, x: number, factor: number): Pair {
  const word = (n: number): number => b.constant(n, 'u32');
  const half = word(16);
  const low = (v: number): number => b.op('and', v, word(0xffff));
  const high = (v: number): number => b.op('shr', v, half);
  const [x0, x1, f0, f1] = [low(x), high(x), word(factor & 0xffff), word(factor >>> 16)];
  const crossed = b.op('add', b.op('mul', x1, f0), high(b.op('mul', x0, f0))); // at most (2^16 − 1)² + 2^16 − 2: no overflow
  const middle = b.op('add', b.op('mul', x0, f1), low(crossed));
  return [b.op('add', b.op('add', b.op('mul', x1, f1), high(crossed)), high(middle)), b.op('mul', x, word(factor))];
}

/** Builds the four words of a block from u32 operands: the counter's words, least significant first, and the key's. */
export function philox(b: ScalarBuilder, counter: Quad, key: Pair): Quad {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < rounds; round++) {
    const [high0, low0] = multiplyWide(b, c0, multipliers[0]);
    const [high1, low1] = multiplyWide(b, c2, multipliers[1]);
    [c0, c1, c2, c3] = [b.op('xor', b.op('xor', high1, c1), k0), low1, b.op('xor', b.op('xor', high0, c3), k1), low0];
    k0 = b.op('add', k0, b.constant(weyl[0], 'u32'));
    k1 = b.op('add', k1, b.constant(weyl[1], 'u32'));
  }
  return [c0, c1, c2, c3];
}
