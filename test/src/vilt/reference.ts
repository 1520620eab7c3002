import type { ViltConfig } from '../../../src/vilt/config.js';
import type { PixelValues } from '../../../src/vilt/pixel.js';
import type { Values } from './variant.js';

type Vector = number[];

/**
 * ViLT written out in plain double arithmetic, after the paper's equations 1 to 4, to compare the graphs with where there is
 * no golden case. One pair, its picture at the grid that positions were learned for.
 *
 * @returns final states (tokens + 1 + patches, hidden)
 */
export function referenceStates(
  tensors: ReadonlyMap<string, Values>,
  config: ViltConfig,
  { ids, image }: { ids: readonly number[]; image: PixelValues },
): Vector[] {
  const model = new Reference(tensors, config);
  let x = [...model.embedText(ids), ...model.embedImage(image)];
  for (let layer = 0; layer < config.layers; layer++) x = model.block(x, `vilt.encoder.layer.${layer}`);
  return x.map((row) => model.norm(row, 'vilt.layernorm'));
}

/** A head's linear layer over pooled states. */
export function referenceLogits(tensors: ReadonlyMap<string, Values>, state: Vector, head: string): Vector {
  const model = new Reference(tensors, null);
  return model.linear(model.linear(state, 'vilt.pooler.dense').map(Math.tanh), head);
}

class Reference {
  constructor(
    private readonly tensors: ReadonlyMap<string, Values>,
    private readonly config: ViltConfig | null,
  ) {}

  row(name: string, i: number): Vector {
    const { shape, values } = this.tensors.get(name)!;
    const width = shape.at(-1)!;
    return [...values.subarray(i * width, (i + 1) * width)];
  }

  /** A layer without a bias in the checkpoint has none. */
  linear(x: Vector, name: string): Vector {
    const { shape, values } = this.tensors.get(`${name}.weight`)!;
    const bias = this.tensors.get(`${name}.bias`)?.values;
    const inputs = shape.slice(1).reduce((product, n) => product * n, 1);
    return Array.from({ length: shape[0] }, (_, output) => {
      return x.reduce((sum, value, i) => sum + value * values[output * inputs + i], bias?.[output] ?? 0);
    });
  }

  norm(x: Vector, name: string): Vector {
    const [weight, bias] = [this.row(`${name}.weight`, 0), this.row(`${name}.bias`, 0)];
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const deviation = Math.sqrt(variance + this.config!.layerNormEpsilon);
    return x.map((value, i) => ((value - mean) / deviation) * weight[i] + bias[i]);
  }

  embedText(ids: readonly number[]): Vector[] {
    const text = 'vilt.embeddings.text_embeddings';
    const modality = this.row('vilt.embeddings.token_type_embeddings.weight', 0);
    return ids.map((id, position) => {
      const word = this.row(`${text}.word_embeddings.weight`, id);
      const segment = this.row(`${text}.token_type_embeddings.weight`, 0);
      const sum = add(add(word, segment), this.row(`${text}.position_embeddings.weight`, position));
      return add(this.norm(sum, `${text}.LayerNorm`), modality);
    });
  }

  embedImage({ width, height, pixels }: PixelValues): Vector[] {
    const { patchSize, channels } = this.config!;
    const modality = this.row('vilt.embeddings.token_type_embeddings.weight', 1);
    const patches = [this.row('vilt.embeddings.cls_token', 0)];
    for (let top = 0; top < height; top += patchSize) {
      for (let left = 0; left < width; left += patchSize) {
        const patch = Array.from({ length: channels * patchSize * patchSize }, (_, i) => {
          const [channel, y, x] = [
            Math.floor(i / patchSize ** 2),
            Math.floor(i / patchSize) % patchSize,
            i % patchSize,
          ];
          return pixels[(channel * height + top + y) * width + left + x];
        });
        patches.push(this.linear(patch, 'vilt.embeddings.patch_embeddings.projection'));
      }
    }
    return patches.map((patch, i) => add(add(patch, this.row('vilt.embeddings.position_embeddings', i)), modality));
  }

  block(x: Vector[], name: string): Vector[] {
    const { heads, hiddenSize, activation } = this.config!;
    const width = hiddenSize / heads;
    const normed = x.map((row) => this.norm(row, `${name}.layernorm_before`));
    const [query, key, value] = ['query', 'key', 'value'].map((part) =>
      normed.map((row) => this.linear(row, `${name}.attention.attention.${part}`)),
    );
    return x.map((row, i) => {
      const context: Vector = [];
      for (let head = 0; head < heads; head++) {
        const own = (vector: Vector) => vector.slice(head * width, (head + 1) * width);
        const attention = softmax(key.map((k) => dot(own(query[i]), own(k)) / Math.sqrt(width)));
        for (let d = 0; d < width; d++)
          context.push(
            dot(
              attention,
              value.map((v) => v[head * width + d]),
            ),
          );
      }
      const attended = add(row, this.linear(context, `${name}.attention.output.dense`));
      const inner = this.linear(this.norm(attended, `${name}.layernorm_after`), `${name}.intermediate.dense`);
      return add(attended, this.linear(inner.map(ACTIVATIONS[activation]), `${name}.output.dense`));
    });
  }
}

const ACTIVATIONS: Record<ViltConfig['activation'], (x: number) => number> = {
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  relu: (x) => Math.max(0, x),
};

/** Abramowitz and Stegun 7.1.26: within 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const terms = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  const polynomial = terms.reduceRight((sum, term) => (sum + term) * t, 0);
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x));
}

const add = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]);
const dot = (a: Vector, b: Vector) => a.reduce((sum, value, i) => sum + value * b[i], 0);

function softmax(x: Vector): Vector {
  const highest = Math.max(...x);
  const exps = x.map((value) => Math.exp(value - highest));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}
