// CRC-32 as IEEE 802.3 defines it.

const STEPS = Int32Array.from({ length: 256 }, (_, step) => {
  for (let bit = 8; bit > 0; bit -= 1) step = (step >>> 1) ^ (0xedb88320 & -(step & 1));
  return step;
});

const UTF8 = new TextEncoder();

/** Returns the CRC-32 of a text in UTF-8, from 0 to 2^32−1. */
export function crc32(text: string): number {
  let crc = -1;
  for (const byte of UTF8.encode(text)) crc = (crc >>> 8) ^ (STEPS[(crc ^ byte) & 255] as number);
  return ~crc >>> 0;
}
