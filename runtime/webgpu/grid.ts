// Linear grids over the three dimensions of a dispatch, each of which has a limit (65,535 by default). Kernels find their linear group as
// x + X·(y + Y·z) and ignore the surplus, which is kept below one row and one plane by sharing the groups out evenly.

/** The smallest near-even (x, y, z) with x·y·z ≥ groups and every side ≤ limit. groups ≥ 1. */
export function foldGrid(groups: number, limit: number): [x: number, y: number, z: number] {
  const z = Math.ceil(groups / (limit * limit));
  const y = Math.ceil(groups / z / limit);
  return [Math.ceil(groups / z / y), y, z];
}
