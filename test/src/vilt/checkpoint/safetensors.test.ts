import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readSafetensors, writeSafetensors } from '../../../../src/vilt/checkpoint/safetensors.js';
import { readTensor } from '../../../../src/vilt/checkpoint/tensor.js';
import { fixture, temporaryFolder } from '../../../fixture.js';

describe('safetensors', () => {
  const folder = temporaryFolder();

  function fileOf(header: unknown, data = Buffer.alloc(0), headerBytes?: bigint): string {
    const json = Buffer.isBuffer(header) || typeof header === 'string' ? header : JSON.stringify(header);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(headerBytes ?? BigInt(Buffer.byteLength(json)));
    const file = path.join(folder.path, 'hostile.safetensors');
    writeFileSync(file, Buffer.concat([length, Buffer.from(json as string), data]));
    return file;
  }

  const refused = (file: string, message: RegExp) =>
    assert.throws(() => readSafetensors(file), { code: 'MODEL_INCOMPLETE', message });

  it('refuses a file too short for a header', () => {
    const file = path.join(folder.path, 'short.safetensors');
    writeFileSync(file, 'abc');
    refused(file, /3 bytes are too few/);
  });

  it('refuses a header longer than the file, or than any header may be', () => {
    refused(fileOf({}, undefined, 3n), /header has 3 bytes, where at most 2 fit/);
    refused(fileOf({}, undefined, 2n ** 63n), /header has 922337203685477\d+ bytes, where at most 2 fit/);
  });

  it('refuses what is not JSON, not UTF-8, not an object, or nested without end', () => {
    refused(fileOf('{"a":'), /cannot be parsed/);
    refused(fileOf(Buffer.from('{"__metadata__":{"a":"\xff"}}', 'latin1')), /cannot be parsed/);
    refused(fileOf([]), /not an object/);
    refused(fileOf('null'), /not an object/);
    refused(fileOf('['.repeat(200_000)), /cannot be parsed/);
    refused(fileOf(`{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`), /entry for "a" is malformed/);
  });

  const entry = (begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype: unknown = 'F32') => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });

  it('refuses entries that are malformed', () => {
    const data = Buffer.alloc(8);
    refused(fileOf({ x: 1 }, data), /"x" is malformed/);
    refused(fileOf({ x: { dtype: 'F32', shape: [2] } }, data), /"x" is malformed/);
    refused(fileOf({ x: entry(0, 8, [-2]) }, data), /"x" is malformed/);
    refused(fileOf({ x: entry(0, 8, [1.5]) }, data), /"x" is malformed/);
    refused(fileOf({ x: entry(0, 8, Array(1000).fill(1)) }, data), /"x" is malformed/);
    refused(fileOf({ __metadata__: { a: 1 } }), /__metadata__ is not a table of texts/);
  });

  it('refuses tensors outside the file, of another size, overlapping, or with holes', () => {
    const data = Buffer.alloc(8);
    refused(fileOf({ x: entry(0, 12) }, data), /"x" ends at byte 12 of 8/);
    refused(fileOf({ x: entry(0, 8, [3]) }, data), /"x" has 8 bytes; F32 \(3\) takes 12/);
    refused(fileOf({ x: entry(0, 8, [2 ** 52, 2 ** 52]) }, data), /"x" has 8 bytes/);
    refused(fileOf({ x: entry(0, 8, [1e300]) }, data), /"x" is malformed/);
    refused(fileOf({ x: entry(8, 0) }, data), /"x"/);
    refused(fileOf({ x: entry(0, 8), y: entry(4, 8) }, data), /"y" begins at byte \d+, where \d+ was expected/);
    refused(fileOf({ x: entry(4, 8) }, data), /"x" begins/);
    refused(fileOf({ x: entry(0, 4) }, data), /4 bytes after its last tensor/);
  });

  it('names an element type that it does not read', () => {
    const file = fileOf({ x: entry(0, 8, [8], 'F8_E4M3') }, Buffer.alloc(8));
    assert.throws(() => readSafetensors(file), { code: 'MODEL_UNSUPPORTED', message: /"x" is stored as "F8_E4M3"/ });
    const inherited = fileOf({ x: entry(0, 8, [8], 'toString') }, Buffer.alloc(8));
    assert.throws(() => readSafetensors(inherited), { code: 'MODEL_UNSUPPORTED' });
  });

  it('takes names that mean something to JavaScript as names', () => {
    const json =
      '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"constructor":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}';
    const { tensors } = readSafetensors(fileOf(json, Buffer.from(Float32Array.of(1, 2).buffer)));
    assert.deepEqual([...tensors.keys()].sort(), ['__proto__', 'constructor']);
    assert.equal(readTensor(tensors.get('constructor')!)[0], 2);
    assert.equal(({} as { dtype?: string }).dtype, undefined);
  });

  it('reads what the reference wrote', () => {
    const { tensors, metadata } = readSafetensors(fixture('tiny-vilt', 'model.safetensors'));
    assert.deepEqual(metadata, { format: 'pt' });
    assert.equal(tensors.size, 64);
    assert.deepEqual(tensors.get('vilt.embeddings.position_embeddings')?.shape, [1, 37, 64]);
  });

  it('reads what it writes, aligned, and leaves nothing else behind', async () => {
    const own = path.join(folder.path, 'own');
    mkdirSync(own);
    const file = path.join(own, 'model.safetensors');
    const tensors = [
      { name: 'odd', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      { name: 'weights', dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      { name: 'steps', dtype: 'I64', shape: [], data: BigInt64Array.of(5n) },
      { name: 'none', dtype: 'F32', shape: [0, 7], data: new Float32Array(0) },
    ] as const;
    await writeSafetensors(file, tensors, { format: 'pt', source: 'fitted' });
    const read = readSafetensors(file);
    assert.deepEqual(read.metadata, { format: 'pt', source: 'fitted' });
    for (const { name, shape, data } of tensors) {
      const tensor = read.tensors.get(name)!;
      assert.deepEqual(tensor.shape, shape);
      assert.deepEqual([...readTensor(tensor)], [...data].map(Number));
    }
    assert.equal(read.tensors.get('weights')!.offset % 4, 0);
    assert.equal(read.tensors.get('steps')!.offset % 8, 0);
    assert.deepEqual(readdirSync(own), ['model.safetensors']);
  });

  it('keeps the file that was there when the new one cannot be written', async () => {
    const file = path.join(folder.path, 'kept.safetensors');
    await writeSafetensors(file, [{ name: 'x', dtype: 'F32', shape: [1], data: Float32Array.of(1) }]);
    const before = readFileSync(file);
    const wrong = writeSafetensors(file, [{ name: 'x', dtype: 'F32', shape: [2], data: Float32Array.of(1) }]);
    await assert.rejects(wrong, /x: 4 bytes do not make F32 \(2\)/);
    assert.deepEqual(readFileSync(file), before);
  });

  it('says so when the folder is not there', async () => {
    const file = path.join(folder.path, 'nowhere', 'x.safetensors');
    await assert.rejects(writeSafetensors(file, []), { code: 'FILE_NOT_FOUND' });
    assert.equal(existsSync(file), false);
  });
});
