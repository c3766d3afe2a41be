// An adapter that was found, in a browser or in Node: what is asked of it, whether it is real, what it calls itself.
export interface AdapterOptions {
  /** May it be a software adapter? They compute right, slowly. */
  readonly software: boolean;
}
export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly software: boolean;
  /** Where it was found and what it calls itself. */
  readonly name: string;
}

/** By the adapter's own word, and by the names of the software implementations there are. */
export const isSoftware = ({ info }: GPUAdapter): boolean =>
  info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i.test(`${info.architecture} ${info.device} ${info.description}`);

export const adapterName = ({ info }: GPUAdapter): string =>
  info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(' ') || 'unnamed adapter';
