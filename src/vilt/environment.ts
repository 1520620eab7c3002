/*
 * What native libraries read from the environment, when they load. A worker's `process.env` is a copy that they never see, so
 * this is imported wherever a worker is started that loads them, in the thread that starts it.
 */

/** ONNX Runtime reports usage to its maker unless told not to. What people search for is theirs. */
process.env.ORT_DISABLE_TELEMETRY ??= '1';

/** CUDA's libraries round float32 to 10 bits of mantissa (TF32), which costs the third decimal of a score. */
process.env.NVIDIA_TF32_OVERRIDE ??= '0';

export {};
