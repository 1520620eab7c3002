/** The most an image may ask of this machine. All but the time are known before a pixel is decoded. */
export interface ImageLimits {
  /** Of the encoded file. */
  bytes: number;
  /** Width times height. */
  pixels: number;
  /** Pixels of the longer side. */
  side: number;
  /** Spent on decoding. */
  seconds: number;
}

export const IMAGE_LIMITS: ImageLimits = { bytes: 64 * 2 ** 20, pixels: 64e6, side: 65_535, seconds: 60 };
