export { PatchwordError, ERROR_CODES, type ErrorCode } from './errors.js';
