import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BUNDLED_MODEL } from '../../../src/paths.js';
import { inspectModel } from '../../../src/vilt/inspection.js';
import { temporaryFolder } from '../../fixture.js';

describe('inspectModel', () => {
  const folder = temporaryFolder();

  it('tells apart models of the same weights that read texts or pictures otherwise', async () => {
    const bundled = await inspectModel(BUNDLED_MODEL);
    const model = path.join(folder.path, 'model');
    cpSync(BUNDLED_MODEL, model, { recursive: true });
    assert.equal((await inspectModel(model)).settings, bundled.settings);
    const seen = new Set([bundled.settings]);
    const change = async (file: string, from: string, to: string) => {
      const text = readFileSync(path.join(model, file), 'utf8');
      assert.ok(text.includes(from), `${file} has ${from}`);
      writeFileSync(path.join(model, file), text.replace(from, to));
      const { hash, settings } = await inspectModel(model);
      writeFileSync(path.join(model, file), text);
      assert.equal(hash, bundled.hash);
      assert.ok(!seen.has(settings), file);
      seen.add(settings);
    };
    await change('preprocessor_config.json', '0.5', '0.4');
    await change('config.json', '"layer_norm_eps": 1e-12', '"layer_norm_eps": 1e-6');
    await change('tokenizer_config.json', '"do_lower_case": true', '"do_lower_case": false');
  });
});
