// HEDDLE_DEBUG=1..4 prints, on stderr: 1 the plan, 2 the graph too, 3 the loop nests, 4 the kernel text.

export function debugLevel(): number {
  const level = Number(globalThis.process?.env?.HEDDLE_DEBUG ?? 0);
  return Number.isFinite(level) ? level : 0;
}
export const say = (text: string): void => {
  globalThis.process?.stderr?.write(`${text}\n`);
};
