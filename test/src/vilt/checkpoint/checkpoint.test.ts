import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { hashFiles, openCheckpoint } from '../../../../src/vilt/checkpoint/checkpoint.js';
import { writeSafetensors } from '../../../../src/vilt/checkpoint/safetensors.js';
import { readTensor } from '../../../../src/vilt/checkpoint/tensor.js';
import { fixture, temporaryFolder } from '../../../fixture.js';

describe('openCheckpoint', () => {
  const folder = temporaryFolder();

  function folderOf(name: string, files: Record<string, string | Buffer>): string {
    const own = path.join(folder.path, name);
    mkdirSync(own);
    for (const [file, content] of Object.entries(files)) writeFileSync(path.join(own, file), content);
    return own;
  }

  it('says so when there is nothing', async () => {
    await assert.rejects(openCheckpoint('/no/such/model'), {
      code: 'MODEL_NOT_FOUND',
      message: /no model at \/no\/such/,
    });
  });

  it('says what it looked for in a folder without weights', async () => {
    const own = folderOf('empty', { 'config.json': '{}' });
    const message = /looked for model\.safetensors, model\.safetensors\.index\.json, pytorch_model\.bin and a \.ckpt/;
    await assert.rejects(openCheckpoint(own), { code: 'MODEL_INCOMPLETE', message });
  });

  it('asks which of several .ckpt files', async () => {
    const own = folderOf('several', { 'b.ckpt': '', 'a.ckpt': '' });
    await assert.rejects(openCheckpoint(own), {
      code: 'MODEL_INCOMPLETE',
      message: /several checkpoints: a\.ckpt, b\.ckpt/,
    });
  });

  it('recognises a Git LFS pointer', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n';
    for (const name of ['model.safetensors', 'pytorch_model.bin']) {
      const own = folderOf(`lfs-${name}`, { [name]: pointer });
      await assert.rejects(openCheckpoint(own), { code: 'MODEL_INCOMPLETE', message: /Git LFS pointer/ });
    }
  });

  it('says to save a legacy PyTorch file again', async () => {
    const own = folderOf('legacy', {
      'pytorch_model.bin': Buffer.from('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'),
    });
    await assert.rejects(openCheckpoint(own), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'MODEL_UNSUPPORTED');
      assert.match(error.message, /before version 1\.6/);
      assert.match(error.hint, /save it again/);
      return true;
    });
  });

  it('refuses files that are empty, cut short, or something else', async () => {
    const whole = readFileSync(fixture('tiny-vilt', 'model.safetensors'));
    const contents = { empty: Buffer.alloc(0), cut: whole.subarray(0, 50_000), text: Buffer.from('<!doctype html>') };
    for (const [what, content] of Object.entries(contents)) {
      for (const name of ['model.safetensors', 'pytorch_model.bin', 'last.ckpt']) {
        const own = folderOf(`${what}-${name}`, { [name]: content });
        await assert.rejects(openCheckpoint(own), { code: 'MODEL_INCOMPLETE' }, `${what} ${name}`);
      }
    }
  });

  it('prefers safetensors, then shards, then pytorch_model.bin, then a .ckpt', async () => {
    const own = folderOf('order', {});
    const opened = async () => (await openCheckpoint(own)).files.map((file) => path.basename(file));
    copyFileSync(fixture('tiny-vilt-original', 'vilt_irtr_tiny.ckpt'), path.join(own, 'vilt.ckpt'));
    assert.deepEqual(await opened(), ['vilt.ckpt']);
    copyFileSync(fixture('tiny-vilt', 'pytorch_model.bin'), path.join(own, 'pytorch_model.bin'));
    assert.deepEqual(await opened(), ['pytorch_model.bin']);
    const data = Float32Array.of(1);
    await writeSafetensors(path.join(own, 'model-1.safetensors'), [{ name: 'x', dtype: 'F32', shape: [1], data }]);
    const index = JSON.stringify({ weight_map: { x: 'model-1.safetensors' } });
    writeFileSync(path.join(own, 'model.safetensors.index.json'), index);
    assert.deepEqual(await opened(), ['model-1.safetensors']);
    copyFileSync(fixture('tiny-vilt', 'model.safetensors'), path.join(own, 'model.safetensors'));
    assert.deepEqual(await opened(), ['model.safetensors']);
  });

  it('finds the same tensors, bit for bit, in safetensors, .bin and the original .ckpt', async () => {
    const reference = await openCheckpoint(fixture('tiny-vilt'));
    assert.equal(reference.format, 'safetensors');
    assert.equal(reference.folder, fixture('tiny-vilt'));
    assert.equal(reference.tensors.size, 64);
    const others = {
      pytorch: fixture('tiny-vilt', 'pytorch_model.bin'),
      original: fixture('tiny-vilt-original'),
    };
    for (const [format, location] of Object.entries(others)) {
      const checkpoint = await openCheckpoint(location);
      assert.equal(checkpoint.format, format);
      assert.deepEqual([...checkpoint.tensors.keys()].sort(), [...reference.tensors.keys()].sort());
      for (const [name, expected] of reference.tensors) {
        const tensor = checkpoint.tensors.get(name)!;
        assert.equal(tensor.name, name);
        assert.equal(tensor.dtype, 'F32');
        assert.deepEqual(tensor.shape, expected.shape, name);
        const bytes = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
        assert.ok(bytes(readTensor(tensor)).equals(bytes(readTensor(expected))), `${format}: ${name} differs`);
      }
    }
  });
});

describe('hashFiles', () => {
  it('gives the SHA-256 of the bytes, of several files one after the other', async () => {
    const files = [fixture('tiny-vilt', 'model.safetensors'), fixture('tiny-vilt', 'config.json')];
    const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest('hex');
    const [first, second] = files.map((file) => readFileSync(file));
    assert.equal(await hashFiles(files.slice(0, 1)), sha256(first));
    assert.equal(await hashFiles(files), sha256(first, second));
  });

  it('says so when a file is not there', async () => {
    await assert.rejects(hashFiles(['/no/such']), { code: 'FILE_NOT_FOUND' });
  });
});
