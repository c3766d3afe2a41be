// heddle/testing: property tests of tensor programs. It needs fast-check (`npm install --save-dev fast-check`) and any test runner.
//
// A property is stated for all sizes of a signature and held on every device. For a patch function of your own:
//
//   const patchify = fn('patchify', { patchSize: size('P') }, f32('B', 'C', 'G*P', 'W*P'), (c, imgs) =>
//     rearrange(imgs, 'n c (h p) (w q) -> n (h w) (p q c)', { p: c.patchSize, q: c.patchSize }));
//
//   test('every pixel is in its patch', () =>
//     fc.assert(fc.asyncProperty(sizesFor(patchify), fc.nat(), async ({ B, ...sizes }, seed) => {
//       const { C, G, W, P } = sizes;
//       const imgs = tensorFrom(seed, [B, C, G * P, W * P]);
//       await onAllDevices(asModel(patchify, ['c', 'imgs'], sizes), {}, async on => {
//         const { out } = await on.run({ imgs });
//         assertSameBits(out, build([B, G * W, P * P * C], ([b, n, f]) => at(imgs, …)), { axes: ['image', 'patch', 'pixel'] });
//       });
//     })));
//
// It is whole in test/examples/patches.test.ts. A failing case shrinks to the smallest sizes, and to the tensor 0, 1, 2, ….
export * from './arbitraries.ts';
export * from './close.ts';
export * from './devices.ts';
export * from './kernels.ts';
export * from './layer.ts';
export * from './signature.ts';
