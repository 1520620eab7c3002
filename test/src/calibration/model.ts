import { BUNDLED_MODEL } from '../../../src/paths.js';
import { writeVariant } from '../vilt/variant.js';

/** The bundled model's first block alone, with its heads: a fraction of the work, and still better than chance. */
export function writeOneLayer(folder: string): Promise<string> {
  return writeVariant(folder, {
    from: BUNDLED_MODEL,
    config: { num_hidden_layers: 1 },
    change: (tensors) => {
      for (const name of [...tensors.keys()]) if (/\.layer\.[1-9]/.test(name)) tensors.delete(name);
    },
  });
}
