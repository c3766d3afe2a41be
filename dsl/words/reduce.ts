// Messages of the reductions; axes share the words of the views. {} is filled in order by the type rule and by the trace rule alike.
export const reduceWords = {
  correction: 'variance: the correction must be a whole number from 0, got {}',
} as const;
