import { PatchwordError } from '../../errors.js';

/** A weight file that contradicts itself; `what` completes "FILE is damaged: …". */
export function damaged(file: string, what: string, cause?: unknown): PatchwordError {
  return new PatchwordError('MODEL_INCOMPLETE', `${file} is damaged: ${what}.`, {
    hint: 'The file was cut short or altered: download or copy it again.',
    cause,
  });
}

/** A name from a hostile file, fit to be shown. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

/** An object from a hostile file, as a map, so that no key means anything. */
export function parseObject(file: string, bytes: Uint8Array): Map<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(file, 'its JSON cannot be parsed', cause);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw damaged(file, 'its JSON is not an object');
  return new Map(Object.entries(json));
}
