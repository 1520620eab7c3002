import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { complexityOf, PAPER, usualGrid } from '../../../src/vilt/complexity.js';
import { readConfig } from '../../../src/vilt/config.js';
import { temporaryFolder } from '../../fixture.js';

describe('complexityOf', () => {
  const temporary = temporaryFolder();

  it("counts ViLT-B/32 as the paper does: its parameters, and its operations at the paper's largest picture within a tenth", () => {
    const file = path.join(temporary.path, 'config.json');
    writeFileSync(file, '{"model_type":"vilt"}'); // every default is that of ViLT-B/32
    const config = readConfig(file);
    const largest = complexityOf(config, { grid: { rows: 12, columns: 20 }, tokens: 40 });
    assert.equal(Math.round(largest.parametersWithoutEmbedders / 1e5) / 10, PAPER.parameters / 1e6);
    assert.equal(Math.round(largest.parameters / 1e5) / 10, 111.6);
    assert.equal(largest.gigaflops.toFixed(1), '51.8');
    assert.ok(Math.abs(largest.gigaflops / PAPER.gigaflops - 1) < 0.1);
    const grid = usualGrid({ shortestEdge: 384, patchSize: 32 });
    assert.deepEqual(grid, { rows: 12, columns: 16 });
    assert.equal(complexityOf(config, { grid, tokens: 40 }).gigaflops.toFixed(1), '42.5');
  });
});
