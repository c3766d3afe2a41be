// What a kernel's TypeScript can do wrong.
import { HeddleError, type Place } from '../../common/errors.ts';

/** HK1 what is written cannot be read, HK2 its types do not fit, HK3 its source is not found, HK4 no usable TypeScript package. */
export class KernelSourceError extends HeddleError {
  override name = 'KernelSourceError';
  constructor(code: 'HK1' | 'HK2' | 'HK3' | 'HK4', message: string, place?: Place | undefined, cause?: unknown) {
    super(code, message, cause === undefined ? { place } : { place, cause });
  }
}
