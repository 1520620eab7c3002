import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

/** As the server names what it keeps there: the content's hash, and the size. */
const THUMBNAIL = /^([0-9a-f]{64})-\d+\.webp$/;

/**
 * Takes away thumbnails of pictures that are gone. They are a cache: what cannot be removed is left, and goes with time.
 *
 * @param folder of the collection
 */
export function removeThumbnails(folder: string, isGone: (contentHash: string) => boolean): void {
  const thumbnails = path.join(folder, 'thumbnails');
  for (const name of namesIn(thumbnails)) {
    const contentHash = THUMBNAIL.exec(name)?.[1];
    if (contentHash === undefined || !isGone(contentHash)) continue;
    try {
      rmSync(path.join(thumbnails, name), { force: true });
    } catch {
      continue;
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
