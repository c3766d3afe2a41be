// Two defects of the masked autoencoder as it is commonly taught in PyTorch, where both run; here neither compiles. The third has no
// wrong shape: test/models/tutorial.test.ts finds it with a property.
import { argsort, broadcastTo, concat, f32, fn, gather, index, size, slice } from 'heddle';
import { mistake } from '../mistake.ts';

// pos_embed[~mask]: positions [1,N,D] are picked by a choice that differs from image to image. PyTorch accepts it for a batch of one.
mistake('gather: index [B,V] and tensor [1,N,D] differ before axis 1', () =>
  fn('encoderPositions', { keep: size('V') }, f32(1, 'N', 'D'), f32('B', 'N'), (c, positions, noise) =>
    gather(positions, 1, /*✗*/ slice(argsort(noise, 1), 1, 0, c.keep)),
  )({ keep: size('V') }, f32(1, 'N', 'D'), f32('B', 'N')),
);

// mask_token.repeat(B, N + 1 − visible, 1), where visible already leaves out the class token: one token too many, which an un-shuffle
// by indices over N then drops in silence.
mistake('gather: the index is over N, but axis 1 of [B,N+1,E] is N+1', () =>
  fn('decoderTokens', f32('B', 'V', 'E'), f32(1, 1, 'E'), index('N')('B', 'N'), (visible, maskToken, restore) => {
    const tokens = concat([visible, broadcastTo(maskToken, ['B', 'N-V+1', 'E'])], 1);
    return gather(tokens, 1, /*✗*/ restore);
  })(f32('B', 'V', 'E'), f32(1, 1, 'E'), index('N')('B', 'N')),
);
