import sharp from 'sharp';

/** A copy of a picture as crawls have them: JPEG quality 60, half the size, or without its first row and column. */
export async function reencode(file: string, change: 'quality' | 'half' | 'crop'): Promise<Buffer> {
  const image = sharp(file);
  const { width, height } = await image.metadata();
  if (change === 'quality') return image.jpeg({ quality: 60 }).toBuffer();
  if (change === 'half')
    return image
      .resize({ width: Math.round(width / 2) })
      .png()
      .toBuffer();
  return image
    .extract({ left: 1, top: 1, width: width - 1, height: height - 1 })
    .png()
    .toBuffer();
}
