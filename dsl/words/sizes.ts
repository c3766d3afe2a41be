// Messages about sizes and placeholders themselves: templates for `Say` and `say` (dsl/words.ts); each {} is filled in order.
export const sizesWords = {
  dimText: 'size: "{}" is not a size: write numbers and names joined by *, + and -, as in "G*G+1"',
  dimTooLarge: 'size: {} is beyond 2^53, where sizes are no longer exact',
  notSize: 'size: {} is not a size: sizes are whole numbers, or names',
  badAxis: '{}: size {} of axis {} is not a size: sizes are whole numbers from 0, or names',
  placeholder: 'size: {} is a placeholder, not a number: use times and plus for sizes, and decide between layers where the config is known',
  placeholderField: 'size: a {} field is a placeholder, not a value: decide between layers where the config is known',
  free: '{}: "{}" is not a symbol of this layer: name it in a size, parameter or tensor of its signature',
  initText: 'param: "{}" is not an initial value: zeros, ones, xavier, { normal }, { truncatedNormal } or { values }',
  initStd: 'param: a standard deviation is a number from 0, got {}',
} as const;
