import assert from 'node:assert/strict';
import {
  cosineCost,
  DISTANCE_STEPS,
  HEATMAP_STEPS,
  heatmaps,
  ipot,
  transportDistance,
} from '../../../src/vilt/alignment.js';
import { fixture } from '../../fixture.js';
import { readGolden } from '../../safetensors.js';

const golden = readGolden(fixture('ipot', 'cases.safetensors'));
const tensor = (name: string) => golden.get(name) as { shape: number[]; data: Float64Array };

describe('alignment', () => {
  for (const name of ['short', 'caption']) {
    const { shape: [words, hidden], data: text } = tensor(`${name}.text`); // prettier-ignore
    const { shape: [patches], data: image } = tensor(`${name}.patches`); // prettier-ignore
    const cost = cosineCost({ text, patches: image, hidden });

    for (const steps of [DISTANCE_STEPS, HEATMAP_STEPS]) {
      it(`gives the plan and the distance of the reference: ${name}, ${steps} steps`, () => {
        const plan = ipot({ cost, words, patches, steps });
        const expected = tensor(`${name}.plan${steps}`);
        assert.deepEqual(expected.shape, [patches, words]);
        for (let w = 0; w < words; w++) {
          for (let p = 0; p < patches; p++) close(plan[w * patches + p], expected.data[p * words + w], 1e-6);
        }
        close(transportDistance(cost, plan), tensor(`${name}.distance${steps}`).data[0], 1e-6);
      });
    }
  }

  it('costs nothing between like states, and two between opposites, whatever their length', () => {
    const cost = cosineCost({
      text: Float32Array.of(3, 4, 0, 2),
      patches: Float32Array.of(6, 8, -3, -4, 1, 0),
      hidden: 2,
    });
    [0, 2, 0.4, 0.2, 1.8, 1].forEach((expected, i) => close(cost[i], expected, 1e-7));
  });

  it('moves all mass along the cheap pairs', () => {
    const cost = Float64Array.of(0, 2, 2, 0);
    const plan = ipot({ cost, words: 2, patches: 2, steps: 200 });
    [0.5, 0, 0, 0.5].forEach((expected, i) => close(plan[i], expected, 1e-9));
    close(transportDistance(cost, plan), 0, 1e-9);
  });

  it('shares mass evenly where nothing is cheaper, also between one word and one patch', () => {
    const plan = ipot({ cost: new Float64Array(6).fill(1), words: 2, patches: 3, steps: 50 });
    for (const mass of plan) close(mass, 1 / 6, 1e-12);
    close(ipot({ cost: Float64Array.of(0.7), words: 1, patches: 1, steps: 1000 })[0], 1, 1e-12);
  });

  it('shows where a word stands out, between 1 and 3', () => {
    const plan = new Float64Array(32).fill(1 / 16, 0, 16);
    plan[31] = 1;
    const [flat, peak] = heatmaps(plan, 16);
    assert.ok(flat.every((value) => value === 1));
    assert.ok(peak.every((value, p) => value === (p === 15 ? 3 : 1)));
    const [row] = heatmaps(Float64Array.of(0, 0, 0, 2, 3), 5); // mean 1, deviation √2 over n - 1
    [1, 1, 1, 1, Math.SQRT2].forEach((expected, i) => close(row[i], expected, 1e-6));
    assert.deepEqual([...heatmaps(Float64Array.of(1), 1)[0]], [1]);
  });
});

function close(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, not ${expected}`);
}
