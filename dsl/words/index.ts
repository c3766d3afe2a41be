// All messages of the language, one table a family. Keys are unique over all tables (a test holds them to it).
import { configWords } from './config.ts';
import { contractWords } from './contract.ts';
import { einopsWords } from './einops.ts';
import { elementwiseWords } from './elementwise.ts';
import { gradientWords } from './gradient.ts';
import { indexWords } from './indices.ts';
import { kernelWords } from './kernel.ts';
import { layersWords } from './layers.ts';
import { modelWords } from './model.ts';
import { nnWords } from './nn.ts';
import { randomWords } from './random.ts';
import { reduceWords } from './reduce.ts';
import { sizesWords } from './sizes.ts';
import { stepWords } from './step.ts';
import { viewWords } from './views.ts';

/** Tables of the language itself, and of the ops. */
export const languageTables = { sizes: sizesWords, layers: layersWords, config: configWords, model: modelWords };
export const opTables = [
  elementwiseWords,
  contractWords,
  viewWords,
  reduceWords,
  indexWords,
  nnWords,
  randomWords,
  einopsWords,
  kernelWords,
  gradientWords,
  stepWords,
];
export const words = {
  ...sizesWords,
  ...layersWords,
  ...configWords,
  ...modelWords,
  ...elementwiseWords,
  ...contractWords,
  ...viewWords,
  ...reduceWords,
  ...indexWords,
  ...nnWords,
  ...randomWords,
  ...einopsWords,
  ...kernelWords,
  ...gradientWords,
  ...stepWords,
};
