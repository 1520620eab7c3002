import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readShards } from '../../../../src/vilt/checkpoint/shards.js';
import { writeSafetensors } from '../../../../src/vilt/checkpoint/safetensors.js';
import { readTensor } from '../../../../src/vilt/checkpoint/tensor.js';
import { temporaryFolder } from '../../../fixture.js';

describe('readShards', () => {
  const folder = temporaryFolder();

  function indexOf(index: unknown): string {
    const file = path.join(folder.path, 'model.safetensors.index.json');
    writeFileSync(file, typeof index === 'string' ? index : JSON.stringify(index));
    return file;
  }

  const refused = (index: unknown, message: RegExp) =>
    assert.throws(() => readShards(indexOf(index)), { code: 'MODEL_INCOMPLETE', message });

  beforeEach(async () => {
    for (const [shard, name] of [
      ['1', 'a'],
      ['2', 'b'],
    ]) {
      const data = Float32Array.of(Number(shard));
      await writeSafetensors(path.join(folder.path, `model-${shard}.safetensors`), [
        { name, dtype: 'F32', shape: [1], data },
      ]);
    }
  });

  it('refuses an index that is not one', () => {
    refused('{', /cannot be parsed/);
    refused({}, /no weight_map/);
    refused({ weight_map: { a: 1 } }, /no weight_map/);
    refused({ weight_map: [] }, /no weight_map/);
  });

  it('refuses shards outside the folder', () => {
    for (const shard of [
      '../model-1.safetensors',
      '/etc/passwd',
      '..',
      'a/b.safetensors',
      '.hidden.safetensors',
      'a\\b.safetensors',
      'model.bin',
    ]) {
      refused({ weight_map: { a: shard } }, /is not the name of a safetensors file beside it/);
    }
  });

  it('names shards that are missing, and tensors that are not where they should be', () => {
    refused(
      { weight_map: { a: 'model-1.safetensors', b: 'model-1.safetensors' } },
      /"b" should be in model-1\.safetensors/,
    );
    rmSync(path.join(folder.path, 'model-2.safetensors'));
    refused(
      { weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } },
      /not beside it: model-2\.safetensors/,
    );
  });

  it('finds each tensor in its shard', () => {
    const { files, tensors } = readShards(
      indexOf({ weight_map: { b: 'model-2.safetensors', a: 'model-1.safetensors' } }),
    );
    assert.deepEqual(
      files.map((file) => path.basename(file)),
      ['model-1.safetensors', 'model-2.safetensors'],
    );
    assert.deepEqual([...readTensor(tensors.get('b')!)], [2]);
    assert.deepEqual([...readTensor(tensors.get('a')!)], [1]);
  });
});
