/**
 * ONNX Runtime reports usage to its maker unless told not to, and reads this when it loads. What people search for is theirs.
 * It has to be set in the main thread (a worker's `process.env` is a copy), so it is imported wherever the model is.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1';
