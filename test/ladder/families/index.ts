// One way or more to call each op of the language on what a random program has so far. A family gets the program and three naturals, i and j
// to choose operands from the end and k for everything else; it calls ops, or skips where nothing fits. Domains are kept (no logarithm
// of 0, no mean of nothing), so that a number that is not finite is a bug.

import type { Family } from './common.ts';
import { elementwise } from './elementwise.ts';
import { indices } from './indices.ts';
import { made } from './made.ts';
import { nn } from './nn.ts';
import { einops } from './products.ts';
import { reductions } from './reductions.ts';
import { views } from './views.ts';

export const families: Readonly<Record<string, Family>> = { ...elementwise, ...reductions, ...views, ...einops, ...nn, ...indices, ...made };
/** What rounds: left out where all must stay whole. */
const inexact = new Set(
  'div pow exp log sqrt rsqrt tanh erf sin cos sigmoid silu gelu mean variance softmax logSoftmax logsumexp layerNorm attention crossEntropy random.uniform random.normal'.split(
    ' ',
  ),
);
export const allOps: readonly string[] = Object.keys(families);
export const wholeOps: readonly string[] = allOps.filter(op => !inexact.has(op));
/** What moves elements and little else: programs of these alone are where index arithmetic meets itself. */
export const movingOps: readonly string[] = [
  ...Object.keys(views),
  ...'reshape permute flip slice slice pad pad concat gather split roll broadcastTo'.split(' '),
  ...'rearrange repeat reduce einsum matmul conv2d gather argsort topk cumsum sum max argmax add mul maximum where less cast neg relu'.split(' '),
];
/** Smooth functions and how they are joined: programs of these alone have gradients all the way. */
export const smoothOps: readonly string[] =
  'add sub mul div pow exp log sqrt rsqrt tanh erf sin cos sigmoid silu gelu maximum minimum where max sum mean variance softmax logSoftmax logsumexp layerNorm attention crossEntropy matmul linear einsum conv2d cumsum gather concat slice pad reshape permute broadcastTo reduce rearrange'.split(
    ' ',
  );
