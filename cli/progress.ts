// A progress line with an estimate for work of more than two seconds: on stderr, only on a terminal, plain with NO_COLOR.
import type { SingleBar } from 'cli-progress';

export interface Progress {
  /** Steps done so far; of how many, where that was not known before. */
  readonly update: (done: number, total?: number) => void;
  readonly stop: () => void;
}

const silent: Progress = { update: () => undefined, stop: () => undefined };
const patience = 2_000;

/** Shows itself once two seconds have passed; cli-progress is loaded then. */
export function progress(title: string, steps = 0): Progress {
  if (!process.stderr.isTTY) return silent;
  const start = Date.now();
  let bar: SingleBar | 'stopped' | 'loading' | undefined;
  const show = async (done: number, total: number): Promise<void> => {
    bar = 'loading';
    const { default: library } = await import('cli-progress');
    if (bar !== 'loading') return; // stopped meanwhile
    const style = process.env.NO_COLOR ? library.Presets.legacy : library.Presets.rect;
    const format = `${title} {bar} {value}/{total}, {eta_formatted} left`;
    bar = new library.SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true }, style);
    bar.start(total, done);
  };
  return {
    update(done, total = steps) {
      if (bar === undefined) {
        if (done < total && Date.now() - start > patience) void show(done, total);
      } else if (typeof bar === 'object') bar.update(done);
    },
    stop() {
      if (typeof bar === 'object') bar.stop();
      bar = 'stopped';
    },
  };
}
