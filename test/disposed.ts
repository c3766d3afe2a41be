// What a test opens is closed when the test ends. (`using` would say it better; Node 22 does not read it.)
import { onTestFinished } from 'vitest';

/** The resource itself, disposed after the running test. */
export function disposed<T extends Disposable>(resource: T): T {
  onTestFinished(() => resource[Symbol.dispose]());
  return resource;
}
