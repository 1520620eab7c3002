/** Which execution provider of ONNX Runtime runs a graph; `auto` is CUDA where it is installed, else the CPU. */
export type Device = 'cpu' | 'cuda' | 'webgpu' | 'auto';

export const DEVICES: readonly Device[] = ['cpu', 'cuda', 'webgpu', 'auto'];

/** Arithmetic of a graph: fp32 is the reference. Inputs and outputs are float32 always. */
export type Precision = 'fp32' | 'int8' | 'fp16';

export const PRECISIONS: readonly Precision[] = ['fp32', 'int8', 'fp16'];
