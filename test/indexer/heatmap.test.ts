import assert from 'node:assert/strict';
import { describeExplanation } from '../../indexer/heatmap.js';

describe('describeExplanation', () => {
  const grid = { rows: 2, columns: 3 };

  it('names the strongest patches of each word and draws its heatmap', () => {
    const heatmaps = [Float32Array.of(1, 1, 3, 1, 2, 1), Float32Array.of(1, 1, 1, 1, 1, 1)];
    const lines = describeExplanation({ tokens: ['fox', 'the'], grid, heatmaps, distance: 0.5 }).split('\n');
    assert.deepEqual(lines, [
      'word  strongest patches (row, column)',
      'fox   (1, 3) 3.00  (2, 2) 2.00',
      'the   none stands out',
      '',
      'fox  the',
      '··█  ···',
      '·▒·  ···',
      '',
      'distance 0.5000',
    ]);
  });

  it('starts a new band where the next heatmap would not fit', () => {
    const heatmap = new Float32Array(6).fill(1);
    const tokens = ['two', 'foxes', 'run'];
    const text = describeExplanation(
      { tokens, grid, heatmaps: [heatmap, heatmap, heatmap], distance: 0 },
      { width: 12 },
    );
    assert.match(text, /two {2}foxes\n··· {2}···\n··· {2}···\n\nrun\n···\n···/);
  });
});
