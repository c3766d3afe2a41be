// The models of the masked autoencoder's family, and the parts that they share.
export { layerDecay } from './layer-decay.ts';
export * from './layers.ts';
export { default as mae, Mae, maeConfig, normalisePatches, reconstructionLoss } from './mae.ts';
export { randomMask, randomMaskOfKey, unshuffle } from './masking.ts';
export { type HuggingFaceConfig, huggingFaceConfig, huggingFaceNames, type NamedTensor, type NameMap, renamed } from './names.ts';
export { PatchEmbed, patchEmbed, patchify, unpatchify } from './patch.ts';
export { fixedPositions, sinCosTable } from './positions.ts';
export { default as vit, Vit, vitConfig } from './vit.ts';
