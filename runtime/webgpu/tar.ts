// A reader of plain files from a POSIX tar (ustar, IEEE 1003.1): headers of 512 bytes, octal sizes, contents padded to 512.
import { FileError } from '../errors.ts';

/** Plain files by name; folders and links are left out. Throws FileError HF1 on a damaged archive. */
export function readTar(tar: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (from: number, length: number): string => {
    const field = tar.subarray(from, from + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = text(at, 100);
    const size = Number.parseInt(text(at + 124, 12), 8);
    // the checksum counts its own eight bytes as blanks
    const sum = tar.subarray(at, at + 512).reduce((s, byte, i) => s + (i >= 148 && i < 156 ? 32 : byte), 0);
    if (Number.parseInt(text(at + 148, 8), 8) !== sum) throw new FileError('HF1', `tar: the header at byte ${at} has a wrong checksum`);
    if (!(size >= 0) || at + 512 + size > tar.length) throw new FileError('HF1', `tar: '${name}' is cut off`);
    const type = String.fromCharCode(tar[at + 156]!);
    if (type === '0' || type === '\0') files.set(name, tar.slice(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
