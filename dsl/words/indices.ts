// Messages of the ops that make and read index tensors. {} is filled in order by the type rule and by the trace rule alike.
export const indexWords = {
  gatherIndex: 'gather: the index is over {}, but axis {} of {} is {}',
  gatherPlain: 'gather: the index is plain {}: it must be an index over {} (argsort, iota or an index input makes one)',
  gatherLead: 'gather: index {} and tensor {} differ before axis {}',
  topkCount: 'topk: k is {}, but axis {} of {} is {}',
  topkNegative: 'topk: k must be a whole number from 0, got {}',
  oneHotIndex: 'oneHot: wants an index or i32, got {}',
  oneHotOver: 'oneHot: the index is over {}, but n is {}',
  oneHotPlain: 'oneHot: give n, the number of classes: the index is plain {}',
  oneHotCount: 'oneHot: n must be a whole number from 0, got {}',
} as const;
