import sharp from 'sharp';

const JPEG_QUALITY = 90;
/** One SVG unit is one pixel. */
const DENSITY = { density: 72 };

export async function renderJpeg(svg: string): Promise<Buffer> {
  return rasterize(svg).jpeg({ quality: JPEG_QUALITY }).toBuffer();
}

/** uint8 RGB, (size, size, 3). */
export async function renderPixels(svg: string): Promise<Buffer> {
  return rasterize(svg).raw().toBuffer();
}

/** uint8 RGBA, (size, size, 4), not premultiplied. */
export async function renderAlpha(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(svg), DENSITY).ensureAlpha().raw().toBuffer();
}

const rasterize = (svg: string) => sharp(Buffer.from(svg), DENSITY).flatten({ background: '#fff' });
