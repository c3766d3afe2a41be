// Messages of rearrange, repeat, reduce (the op's name first) and einsum. {} is filled in order by the type rule and by the trace rule
// alike.
export const einopsWords = {
  einopsArrow: '{}: write one "->" between the two sides of "{}"',
  einopsGroups: '{}: the parentheses of "{}" do not pair',
  einopsTwice: '{}: axis {} stands twice on one side of "{}"',
  einopsLost: '{}: axis {} disappears in "{}"',
  einopsInvented: '{}: axis {} of the right side is not on the left in "{}"',
  einopsNewSize: '{}: give a size for the new axis {} of "{}"',
  einopsRank: '{}: "{}" names {} axes, the tensor has {}',
  einopsAxis: '{}: axis {} is {}, but the tensor has {} in "{}"',
  einopsGroup: '{}: the group ({}) has size {}, but the tensor has {} in "{}"',
  einopsOpen: '{}: give a size for all but one of ({}) in "{}"',
  einopsDivide: '{}: {} is not divisible by {} (axis {} in "{}")',
  einopsUnknown: '{}: a size is given for {}, which is not in "{}"',
  einsumArrow: 'einsum: write "{}" as inputs -> output, one letter an axis',
  einsumCount: 'einsum: "{}" is for {} tensors, got {}',
  einsumUnknown: 'einsum: the output letter {} is in no input of "{}"',
  einsumTwice: 'einsum: the output letter {} stands twice in "{}"',
  einsumRank: 'einsum: {} names {} axes, the tensor {} has {} ("{}")',
  einsumLetter: 'einsum: {} is both {} and {} in "{}"',
} as const;
