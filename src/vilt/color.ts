/** Colour conversions to 8-bit RGB, as Pillow rounds them. Pure arithmetic. */

/**
 * Composes over opaque white.
 *
 * Source: Pillow, src/libImaging/AlphaComposite.c, with 255 for every destination channel.
 *
 * @param rgba (pixels, channels), alpha fourth
 * @returns (pixels, 3)
 */
export function overWhite(rgba: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8Array((rgba.length / channels) * 3);
  for (let i = 0, o = 0; o < rgb.length; i += channels, o += 3) {
    const weight = rgba[i + 3] << 7;
    const white = ((255 << 7) - weight) * 255 + (0x80 << 7);
    rgb[o] = divideBy255(rgba[i] * weight + white) >> 7;
    rgb[o + 1] = divideBy255(rgba[i + 1] * weight + white) >> 7;
    rgb[o + 2] = divideBy255(rgba[i + 2] * weight + white) >> 7;
  }
  return rgb;
}

/**
 * Inks to light, without a colour profile.
 *
 * Source: Pillow, src/libImaging/Convert.c, cmyk2rgb.
 *
 * @param cmyk (pixels, channels), 255 for full ink
 * @returns (pixels, 3)
 */
export function cmykToRgb(cmyk: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / channels) * 3);
  for (let i = 0, o = 0; o < rgb.length; i += channels, o += 3) {
    const light = 255 - cmyk[i + 3];
    rgb[o] = light - divideBy255(cmyk[i] * light + 0x80);
    rgb[o + 1] = light - divideBy255(cmyk[i + 1] * light + 0x80);
    rgb[o + 2] = light - divideBy255(cmyk[i + 2] * light + 0x80);
  }
  return rgb;
}

/** Pillow's SHIFTFORDIV255. */
function divideBy255(x: number): number {
  return ((x >> 8) + x) >> 8;
}
