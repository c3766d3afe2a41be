// Random masking by noise (MAE paper §3, "Simple implementation"; facebookresearch/mae, models_mae.py, random_masking): every patch
// draws a number, the patches with the smallest ones stay. Shuffle and restore are inverse permutations, so the gradient of each
// gather is a gather by the other, and restore is a rank: it needs no second sort.
import { argsort, broadcastTo, concat, f32, fn, full, gather, index, random, rank, size, slice, u32 } from 'heddle';

/**
 * Keeps the V of N tokens with the smallest noise (ties: the earlier token), in the order of their noise.
 * x [B,N,D], noise [B,N] → visible [B,V,D], mask [B,N] (1 where a token was removed), restore [B,N] over N: where in the shuffled
 * order each token stands.
 */
export const randomMask = fn('randomMask', { keep: size('V') }, f32('B', 'N', 'D'), f32('B', 'N'), (c, x, noise) => {
  const visible = gather(x, 1, slice(argsort(noise, 1), 1, 0, c.keep));
  const restore = rank(noise, 1);
  const mask = gather(concat([full(['B', 'V'], 0), full(['B', 'N-V'], 1)], 1), 1, restore);
  return { visible, mask, restore };
});

/**
 * The same with noise drawn from a key: the same key gives the same mask on every device. 24 bits a number, so ties are rare and
 * harmless. key u32 [2].
 */
export const randomMaskOfKey = fn('randomMaskOfKey', { keep: size('V') }, f32('B', 'N', 'D'), u32(2), (c, x, key) =>
  randomMask(c, x, random.uniform(key, ['B', 'N'])),
);

/**
 * The full sequence from the visible tokens: mask tokens after them, then every token at its own place (MAE paper §3, "MAE decoder").
 * visible [B,V,E], maskToken [1,1,E], restore [B,N] over N → [B,N,E].
 */
export const unshuffle = fn('unshuffle', f32('B', 'V', 'E'), f32(1, 1, 'E'), index('N')('B', 'N'), (visible, maskToken, restore) =>
  gather(concat([visible, broadcastTo(maskToken, ['B', 'N-V', 'E'])], 1), 1, restore),
);
