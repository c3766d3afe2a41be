// A progress line with an estimate for work of more than two seconds: on stderr, only on a terminal, plain with NO_COLOR.
import cliProgress from 'cli-progress';

export interface Progress {
  /** Steps done so far. */
  update(done: number): void;
  stop(): void;
}

const silent: Progress = { update: () => undefined, stop: () => undefined };
const patience = 2_000;

/** Shows itself once two seconds have passed. */
export function progress(title: string, total: number): Progress {
  if (!process.stderr.isTTY) return silent;
  const start = Date.now();
  let bar: cliProgress.SingleBar | undefined;
  return {
    update(done) {
      if (!bar && done < total && Date.now() - start > patience) {
        bar = new cliProgress.SingleBar({ format: `${title} {bar} {value}/{total}, {eta_formatted} left`, stream: process.stderr, clearOnComplete: true, hideCursor: true }, process.env['NO_COLOR'] ? cliProgress.Presets.legacy : cliProgress.Presets.rect);
        bar.start(total, done);
      }
      bar?.update(done);
    },
    stop() {
      bar?.stop();
    },
  };
}
