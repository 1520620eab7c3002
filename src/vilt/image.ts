/** Exactly what the model sees of an image, before scaling to [-1, 1]. */
export interface ModelInput {
  width: number;
  height: number;
  /** (3, height, width), uint8 */
  pixels: Uint8Array;
}
