import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { readPytorch } from '../../../../src/vilt/checkpoint/pytorch.js';
import { readTensor } from '../../../../src/vilt/checkpoint/tensor.js';
import { temporaryFolder } from '../../../fixture.js';
import { encode, floats, global, pickle, Raw, reduce, storage, tensor, torchFile, zip } from './torch.js';

describe('readPytorch', () => {
  const folder = temporaryFolder();

  function fileOf(bytes: Uint8Array): string {
    const file = path.join(folder.path, 'model.bin');
    writeFileSync(file, bytes);
    return file;
  }

  const read = (bytes: Uint8Array) => readPytorch(fileOf(bytes));

  const refused = (bytes: Uint8Array, code: string, message: RegExp) =>
    assert.rejects(read(bytes), (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });

  const dict = (entries: Record<string, unknown>) => new Map(Object.entries(entries));
  const one = floats(1, 2, 3, 4, 5, 6);

  it('refuses an archive without a pickle, or with one that is damaged or out of proportion', async () => {
    await refused(zip([{ name: 'model/other', data: one }]), 'MODEL_INCOMPLETE', /no data\.pkl/);
    const cut = pickle(dict({ x: tensor({ key: '0', shape: [6] }) })).subarray(0, 50);
    await refused(zip([{ name: 'model/data.pkl', data: cut }]), 'MODEL_INCOMPLETE', /data\.pkl cannot be read/);
    const large = Buffer.alloc(65 * 2 ** 20);
    await refused(zip([{ name: 'model/data.pkl', data: large }]), 'MODEL_INCOMPLETE', /more than 67108864/);
  });

  it('refuses compressed entries and big-endian files, and says to save again', async () => {
    const object = dict({ x: tensor({ key: '0', shape: [6] }) });
    const deflated = [{ name: 'model/data/1', data: one, method: 8 }];
    await refused(
      torchFile(dict({ x: tensor({ key: '1', shape: [6] }) }), [one], deflated),
      'MODEL_UNSUPPORTED',
      /compressed/,
    );
    const big = zip([
      { name: 'm/data.pkl', data: pickle(object) },
      { name: 'm/byteorder', data: Buffer.from('big') },
      { name: 'm/data/0', data: one },
    ]);
    await refused(big, 'MODEL_UNSUPPORTED', /big-endian/);
  });

  it('refuses tensors that are not inside their storage', async () => {
    const of = (options: Parameters<typeof tensor>[0]) => torchFile(dict({ x: tensor(options) }), [one]);
    await refused(of({ key: '0', shape: [7] }), 'MODEL_INCOMPLETE', /"x" takes bytes 0 to 28 of a storage of 24/);
    await refused(of({ key: '0', shape: [4], offset: 3 }), 'MODEL_INCOMPLETE', /bytes 12 to 28/);
    await refused(of({ key: '0', shape: [2 ** 50, 2 ** 50], strides: [2 ** 50, 1] }), 'MODEL_INCOMPLETE', /"x" takes/);
    await refused(of({ key: '9', shape: [6] }), 'MODEL_INCOMPLETE', /lies in data\/9, which is not there/);
    await refused(of({ key: '../data.pkl', shape: [6] }), 'MODEL_INCOMPLETE', /which is not there/);
    await refused(of({ key: '0', shape: [6], offset: -4 }), 'MODEL_INCOMPLETE', /malformed offset/);
    await refused(of({ key: '0', shape: [6], strides: [] }), 'MODEL_INCOMPLETE', /malformed offset/);
    await refused(of({ key: '0', shape: Array<number>(100).fill(1) }), 'MODEL_INCOMPLETE', /malformed offset/);
  });

  it('names every tensor that is not contiguous', async () => {
    const object = dict({
      transposed: tensor({ key: '0', shape: [2, 3], strides: [1, 2] }),
      expanded: tensor({ key: '0', shape: [4, 2], strides: [0, 1] }),
      fine: tensor({ key: '0', shape: [1, 6], strides: [99, 1] }),
      empty: tensor({ key: '0', shape: [3, 0], strides: [1, 1] }), // as PyTorch writes it
    });
    await refused(torchFile(object, [one]), 'MODEL_UNSUPPORTED', /not contiguous: "transposed", "expanded"\./);
  });

  it('refuses a file without a state_dict', async () => {
    const module = new Raw(encode(reduce(global('transformers', 'ViltModel'), [])), '}b');
    for (const object of [module, [1], dict({ epoch: 3 }), dict({ state_dict: dict({ a: 1 }) })]) {
      await refused(torchFile(object, []), 'MODEL_UNSUPPORTED', /holds no state_dict/);
    }
  });

  it('refuses an element type that it does not read', async () => {
    const type = global('torch', 'ComplexFloatStorage');
    const object = dict({ x: tensor({ key: '0', shape: [3], type }) });
    await refused(torchFile(object, [one]), 'MODEL_UNSUPPORTED', /"x" in an element type/);
  });

  it('refuses a call that calls itself', async () => {
    const fromType = global('torch._tensor', '_rebuild_from_type_v2');
    const args = new Raw(']q\x01(', encode(fromType), encode(null), 'h\x01e');
    await refused(torchFile(new Raw(encode(fromType), args.bytes, 'R'), []), 'MODEL_INCOMPLETE', /cannot be read/);
  });

  for (const key of [undefined, 'state_dict', 'model', 'module']) {
    it(`finds the state_dict ${key ? `under "${key}"` : 'at the top level'}, among other things`, async () => {
      const tensors = dict({ a: tensor({ key: '0', shape: [2, 3] }), b: tensor({ key: '0', shape: [2], offset: 4 }) });
      const extra = {
        epoch: 3,
        callbacks: reduce(global('pytorch_lightning.callbacks', 'ModelCheckpoint'), ['best']),
        hyper_parameters: new Raw(encode(reduce(global('argparse', 'Namespace'), [])), encode(dict({ lr: 1 })), 'b'),
        shell: reduce(global('os', 'system'), ['touch pwned']),
      };
      const object = key
        ? dict({ ...extra, [key]: tensors })
        : new Map<string, unknown>([...tensors, ...Object.entries(extra)]);
      const found = await read(torchFile(object, [one]));
      assert.deepEqual([...found.keys()], ['a', 'b']);
      assert.deepEqual(found.get('a')?.shape, [2, 3]);
      assert.deepEqual([...readTensor(found.get('a')!)], [1, 2, 3, 4, 5, 6]);
      assert.deepEqual([...readTensor(found.get('b')!)], [5, 6]);
    });
  }

  it('reads every storage type', async () => {
    const bytes = new Uint8Array(Float64Array.of(1, 2).buffer);
    const types = {
      Double: 'F64',
      Float: 'F32',
      Half: 'F16',
      BFloat16: 'BF16',
      Long: 'I64',
      Int: 'I32',
      Short: 'I16',
      Char: 'I8',
      Byte: 'U8',
      Bool: 'BOOL',
    };
    for (const [type, dtype] of Object.entries(types)) {
      for (const module of ['torch', 'torch.cuda']) {
        const object = dict({ x: tensor({ key: '0', shape: [2], type: global(module, `${type}Storage`) }) });
        assert.equal((await read(torchFile(object, [bytes]))).get('x')?.dtype, dtype);
      }
    }
  });

  it('reads parameters, subclasses with attributes, and untyped storages', async () => {
    const x = tensor({ key: '0', shape: [6] });
    const utils = (name: string) => global('torch._utils', name);
    const untyped = [
      storage('0', global('torch.storage', 'UntypedStorage')),
      0,
      [12],
      [1],
      false,
      null,
      global('torch', 'uint16'),
      null,
    ];
    const v2 = [storage('0'), 0, [6], [1], false, null];
    const object = dict({
      parameter: reduce(utils('_rebuild_parameter'), [x, true, null]),
      stateful: reduce(utils('_rebuild_parameter_with_state'), [x, true, null, dict({ tag: 1 })]),
      subclass: reduce(global('torch._tensor', '_rebuild_from_type_v2'), [
        utils('_rebuild_tensor_v2'),
        global('a', 'B'),
        v2,
        dict({}),
      ]),
      untyped: reduce(utils('_rebuild_tensor_v3'), untyped),
      sized: reduce(utils('_rebuild_tensor_v2'), [
        storage('0'),
        0,
        reduce(global('torch', 'Size'), [[6]]),
        [1],
        false,
        null,
      ]),
      sparse: reduce(utils('_rebuild_sparse_tensor'), [null, []]),
    });
    const found = await read(torchFile(object, [one]));
    assert.deepEqual([...found.keys()], ['parameter', 'stateful', 'subclass', 'untyped', 'sized']);
    for (const name of ['parameter', 'stateful', 'subclass', 'sized']) {
      assert.deepEqual([...readTensor(found.get(name)!)], [1, 2, 3, 4, 5, 6]);
    }
    assert.equal(found.get('untyped')?.dtype, 'U16');
  });
});
