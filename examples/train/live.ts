// Loss and throughput while training runs: a bar on a terminal, else a line now and then.
import cliProgress from 'cli-progress';

export interface Live {
  update(seconds: number, step: number, loss: number, digits: number): void;
  stop(): void;
}
const everySeconds = 10;

export function live(seconds: number): Live {
  if (!process.stderr.isTTY) return lines();
  const bar = new cliProgress.SingleBar(
    {
      format: 'training {bar} {value}/{total} s, step {step}, loss {loss}, {rate} digits/s',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    process.env.NO_COLOR ? cliProgress.Presets.legacy : cliProgress.Presets.rect,
  );
  bar.start(seconds, 0, { step: 0, loss: '–', rate: '–' });
  return {
    update: (passed, step, loss, digits) =>
      bar.update(Math.min(Math.round(passed), seconds), { step, loss: loss.toFixed(4), rate: (digits / passed).toFixed(0) }),
    stop: () => bar.stop(),
  };
}
function lines(): Live {
  let next = everySeconds;
  return {
    update(passed, step, loss, digits) {
      if (passed < next) return;
      next = (Math.floor(passed / everySeconds) + 1) * everySeconds;
      console.log(
        `${passed.toFixed(0).padStart(4)} s  step ${String(step).padStart(5)}  loss ${loss.toFixed(4)}  ${(digits / passed).toFixed(0)} digits/s`,
      );
    },
    stop: () => undefined,
  };
}
