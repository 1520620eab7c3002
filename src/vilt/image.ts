import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import { messageOf, PatchwordError } from '../errors.js';
import { cmykToRgb, overWhite } from './color.js';
import { readJpegSize } from './jpeg.js';
import { IMAGE_LIMITS, type ImageLimits } from './limits.js';
import { modelSize, resizeBicubic, type ResizeOptions, type Size } from './resize.js';
import { readSource } from './source.js';

export { IMAGE_LIMITS, type ImageLimits };

/** Exactly what the model sees of an image, before scaling to [-1, 1]. */
export interface ModelInput {
  width: number;
  height: number;
  /** (3, height, width), uint8 */
  pixels: Uint8Array;
}

/** An upright image, as its file holds it. */
export interface DecodedImage extends Size {
  /** (height, width, 3), uint8 RGB */
  pixels: Uint8Array;
}

// Workers read image after image, each once: threads within an image and a cache between images only cost.
sharp.concurrency(1);
sharp.cache(false);
// To the reference an Ultra HDR file is a JPEG; its own loader need not decode it to the same pixels.
sharp.block({ operation: ['VipsForeignLoadUhdr'] });

/**
 * Reads an image and resizes it to what the model sees of it.
 *
 * @param source a file's path, or its bytes
 * @returns the model input, and the size of the upright original
 * @throws PatchwordError FILE_NOT_FOUND, IMAGE_UNREADABLE, IMAGE_TOO_LARGE
 */
export async function prepareImage(
  source: string | Uint8Array,
  options: ResizeOptions,
  limits?: Partial<ImageLimits>,
): Promise<{ modelInput: ModelInput } & Size> {
  const image = await decodeImage(source, limits);
  const size = modelSize(image, options);
  return { modelInput: { ...size, pixels: resizeBicubic(image, size) }, width: image.width, height: image.height };
}

/**
 * Reads the pixels of a file as Pillow does: EXIF orientation applied, alpha over white, gray, palette and CMYK to RGB,
 * the high byte of 16 bits, the first frame of an animation, colour profiles ignored.
 *
 * @param source a file's path, or its bytes
 * @throws PatchwordError FILE_NOT_FOUND, IMAGE_UNREADABLE, IMAGE_TOO_LARGE
 */
export function decodeImage(source: string | Uint8Array, limits?: Partial<ImageLimits>): Promise<DecodedImage> {
  return openImage(source, limits, async (open, header) => {
    const image = open({ ignoreIcc: true });
    const isCmyk = header.space === 'cmyk' && header.depth === 'uchar';
    if (isCmyk) image.pipelineColourspace('cmyk').toColourspace('cmyk');
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    const size = { width: info.width, height: info.height };
    if (isCmyk) return { ...size, pixels: cmykToRgb(data, info.channels) };
    return { ...size, pixels: info.channels > 3 ? overWhite(data, info.channels) : data };
  });
}

/** What is known of an image before it is decoded. */
type Header = Pick<Metadata, 'width' | 'height' | 'space' | 'depth'>;

/**
 * Reads a file within the limits, checks that it is an image, and has `decode` open it with sharp, upright.
 *
 * @throws PatchwordError FILE_NOT_FOUND, IMAGE_UNREADABLE, IMAGE_TOO_LARGE; whatever sharp throws becomes one of them
 */
export async function openImage<T>(
  source: string | Uint8Array,
  limits: Partial<ImageLimits> | undefined,
  decode: (open: (options?: SharpOptions) => Sharp, header: Header) => Promise<T>,
): Promise<T> {
  const allowed = { ...IMAGE_LIMITS, ...limits };
  const { name, bytes } = await readSource(source, allowed);
  const opener = (failOn: 'warning' | 'error') => (options?: SharpOptions) =>
    sharp(bytes, { ...options, autoOrient: true, limitInputPixels: allowed.pixels, failOn }).timeout(allowed);
  try {
    const header = await readHeader(bytes);
    checkSize(name, header, allowed);
    // Past a warning of libjpeg most pictures are gray or garbled, so it fails, unless it is known to harm no pixel.
    return await decode(opener('warning'), header).catch((error: unknown) => {
      if (!isHarmless(error)) throw error;
      return decode(opener('error'), header);
    });
  } catch (error) {
    throw error instanceof PatchwordError ? error : explainDecodeError(name, error, allowed);
  }
}

function readHeader(bytes: Uint8Array): Promise<Header> | Header {
  const size = bytes[0] === 0xff ? readJpegSize(bytes) : null;
  return size ? { ...size, space: 'srgb', depth: 'uchar' } : sharp(bytes, { limitInputPixels: false }).metadata();
}

function checkSize(name: string, { width, height }: Size, { pixels, side }: ImageLimits): void {
  if (width * height <= pixels && Math.max(width, height) <= side) return;
  const megapixels = (n: number) => `${(n / 1e6).toFixed(1)} megapixels`;
  throw new PatchwordError(
    'IMAGE_TOO_LARGE',
    `${name} is ${width}x${height} (${megapixels(width * height)}); ` +
      `images of at most ${megapixels(pixels)} and ${side} pixels a side are read.`,
    { hint: 'Use a smaller copy of it.' },
  );
}

/**
 * Stray bytes between the segments of a header; what some phones write at the head of a baseline scan; and what some programs
 * write around the pixels of a TIFF.
 */
const HARMLESS =
  /extraneous bytes before marker 0x(?!d[0-7])|Invalid SOS parameters|does not end in null byte|tags are not sorted/;

const isHarmless = (error: unknown) => HARMLESS.test(messageOf(error));

function explainDecodeError(name: string, error: unknown, { seconds }: ImageLimits): PatchwordError {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n');
  if (lines.some((line) => line.startsWith('timeout:'))) {
    return new PatchwordError('IMAGE_TOO_LARGE', `${name} takes longer than ${seconds} s to decode.`, {
      hint: 'Use a smaller copy of it.',
      cause: error,
    });
  }
  // libvips says the same thing many times, after what it tried first.
  const reason = lines.find((line) => !/^source: bad seek|^Warning treated as error/.test(line)) ?? lines[0];
  const what = reason.replace(/^Input buffer has corrupt header:\s*/, '') || 'its header makes no sense';
  const message = `${name} is damaged, cut short or of an unsupported kind: ${what}.`;
  return new PatchwordError('IMAGE_UNREADABLE', message, {
    hint: 'Copy or download it again, or convert it.',
    cause: error,
  });
}
