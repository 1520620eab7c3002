import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PatchwordError } from '../../src/errors.js';
import type { SceneObject } from './objects.js';
import { iconNames, type Style } from './styles.js';

/** SVG elements on a view box of `width` by `height`. */
export interface Icon {
  body: string;
  width: number;
  height: number;
}

/** Iconify's format (https://iconify.design/docs/types/iconify-json.html), as far as these sets use it. */
interface IconSet {
  icons: Record<string, Partial<Icon> & { body: string }>;
  aliases?: Record<string, { parent: string }>;
  width?: number;
  height?: number;
}

const DEFAULT_SIDE = 16;
/** What else an icon may carry: a view box that starts elsewhere, or a turn of its own. */
const UNSUPPORTED = ['left', 'top', 'rotate', 'hFlip', 'vFlip'];

/** Looks up icons of one style: null where there is none that shows it, or only ones with a transform of their own. */
export function readIcons(style: Style): (object: Pick<SceneObject, 'noun' | 'icon'>) => Icon | null {
  const set = readIconSet(style);
  const find = (name: string): Icon | null => {
    const icon = set.icons[name];
    if (icon !== undefined) {
      if (UNSUPPORTED.some((key) => key in icon)) return null;
      return {
        body: inked(icon.body),
        width: icon.width ?? set.width ?? DEFAULT_SIDE,
        height: icon.height ?? set.height ?? DEFAULT_SIDE,
      };
    }
    const alias = set.aliases?.[name];
    if (alias === undefined || Object.keys(alias).some((key) => key !== 'parent')) return null;
    return find(alias.parent);
  };
  return (object) => {
    for (const name of iconNames(style, object)) {
      const icon = find(name);
      if (icon !== null) return icon;
    }
    return null;
  };
}

/** Art that is black alone is drawn in ink instead, so that it shows at night, and can be tinted. */
function inked(body: string): string {
  const colours = new Set(body.match(/#[0-9a-f]{3,6}\b/gi));
  return colours.size === 1 && colours.has('#000') ? body.replaceAll('#000', 'currentColor') : body;
}

function readIconSet(style: Style): IconSet {
  const file = `@iconify-json/${style}/icons.json`;
  try {
    return JSON.parse(readFileSync(createRequire(import.meta.url).resolve(file), 'utf8')) as IconSet;
  } catch (error) {
    throw new PatchwordError('FILE_NOT_FOUND', `The icon set ${file} cannot be read.`, {
      hint: 'Icon sets are development dependencies: run npm ci in the clone.',
      cause: error,
    });
  }
}
