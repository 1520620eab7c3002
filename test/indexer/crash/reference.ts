import type { Inference } from '../../../src/inference/inference.js';
import type { ModelName } from './models.js';

/** What the models make of pictures and captions, by themselves: computed here, not read from a collection. */
export class Reference {
  private readonly images = new Map<string, Float32Array>();
  private readonly captions = new Map<string, Float32Array>();

  constructor(
    private readonly inferences: Record<ModelName, Inference>,
    private readonly contents: ReadonlyMap<string, Uint8Array>,
  ) {}

  /** Embeddings by content hash. */
  async ofImages(model: ModelName, hashes: readonly string[]): Promise<Map<string, Float32Array>> {
    const inference = this.inferences[model];
    return lookUp(this.images, model, hashes, async (lacking) => {
      const prepared = await Promise.all(lacking.map((hash) => inference.prepare(this.contents.get(hash)!)));
      return inference.embedImages(prepared.map(({ modelInput }) => modelInput));
    });
  }

  /** Embeddings by text. */
  async ofCaptions(model: ModelName, texts: readonly string[]): Promise<Map<string, Float32Array>> {
    return lookUp(this.captions, model, texts, async (lacking) => {
      const embedded = await this.inferences[model].embedTexts(lacking);
      return embedded.map(({ embedding }) => embedding);
    });
  }
}

async function lookUp(
  known: Map<string, Float32Array>,
  model: ModelName,
  names: readonly string[],
  embed: (lacking: string[]) => Promise<Float32Array[]>,
): Promise<Map<string, Float32Array>> {
  const lacking = [...new Set(names)].filter((name) => !known.has(`${model} ${name}`));
  const embeddings = await embed(lacking);
  lacking.forEach((name, at) => known.set(`${model} ${name}`, embeddings[at]));
  return new Map(names.map((name) => [name, known.get(`${model} ${name}`)!]));
}
