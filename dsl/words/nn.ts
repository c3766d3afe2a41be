// Messages of the normalisations, attention and the classifier's loss. {} is filled in order by the type rule and by the trace rule
// alike.
export const nnWords = {
  normRank: 'layerNorm: x must have an axis, got {}',
  normParam: 'layerNorm: the {} must be [{}], the last axis of x, got {}',
  normEps: 'layerNorm: eps must be a number above 0, got {}',
  attnRank: 'attention: q must have two axes or more, got {}',
  attnRanks: 'attention: {} must have the rank of q (q {}, {} {})',
  attnBatch: 'attention: {} and q differ on the leading axes (q {}, {} {})',
  attnDepth: 'attention: q and k differ on the last axis: {} and {} (q {}, k {})',
  attnLength: 'attention: k and v differ on the axis before the last: {} and {} (k {}, v {})',
  attnBias: 'attention: the bias {} does not broadcast to the scores {}',
  lossRank: 'crossEntropy: the logits must be [...,classes], got {}',
  lossPlain: 'crossEntropy: the labels are plain {}: they must be an index over {}, the classes (an index input makes one)',
  lossIndex: 'crossEntropy: the labels are over {}, but the logits {} have {} classes',
  lossLead: 'crossEntropy: the logits {} must have the axes of the labels {}, then the classes',
  lossSmoothing: 'crossEntropy: the smoothing must be from 0 to 1, got {}',
} as const;
