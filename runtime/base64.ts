// Base64 of constants and data initialisers, strict (RFC 4648 §4, padded, nothing else in between), in Node and in a browser.

/** Bytes that a base64 text holds, or −1 if it is malformed. */
export function base64Bytes(text: string): number {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return -1;
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}

/** The bytes of a text that base64Bytes accepts. */
export function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) out[i] = binary.charCodeAt(i);
  return out;
}
