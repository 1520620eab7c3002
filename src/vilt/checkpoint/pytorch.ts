import { messageOf, PatchwordError } from '../../errors.js';
import { readArchive, type ArchiveEntry } from './archive.js';
import { damaged, quote } from './damage.js';
import { Global, Opaque, unpickle, type Constructor } from './pickle.js';
import { readRange } from './range.js';
import { DTYPE_BYTES, type DType, type Tensor } from './tensor.js';

/** A checkpoint's pickle holds names and shapes, not values: far below a megabyte. */
const MAX_PICKLE_BYTES = 64 * 2 ** 20;

const MAX_DIMENSIONS = 64;
const MAX_KEY_LENGTH = 100;

const STORAGE_DTYPES: Record<string, DType | undefined> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

const TORCH_DTYPES: Record<string, DType | undefined> = {
  'torch.float64': 'F64',
  'torch.float32': 'F32',
  'torch.float16': 'F16',
  'torch.bfloat16': 'BF16',
  'torch.int64': 'I64',
  'torch.int32': 'I32',
  'torch.int16': 'I16',
  'torch.int8': 'I8',
  'torch.uint64': 'U64',
  'torch.uint32': 'U32',
  'torch.uint16': 'U16',
  'torch.uint8': 'U8',
  'torch.bool': 'BOOL',
};

/** Where training frameworks keep the state_dict of the model among other things. */
const STATE_DICT_KEYS = ['state_dict', 'model', 'module'];

/** The bytes `data/<key>` of the archive. Untyped storages have no element type of their own. */
class Storage {
  constructor(
    readonly key: string,
    readonly dtype: DType | undefined,
  ) {}
}

/** A view of a storage; offset and strides count elements. */
class View {
  constructor(
    readonly storage: Storage,
    readonly dtype: DType | undefined,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/**
 * Finds the tensors of a file that `torch.save` wrote (the zip format, PyTorch 1.6 and later): each is a range of the file.
 *
 * @throws PatchwordError MODEL_INCOMPLETE for a damaged file; MODEL_UNSUPPORTED for one without a state_dict, or with tensors
 *   that are not a range of it
 */
export async function readPytorch(file: string): Promise<Map<string, Tensor>> {
  const archive = await readArchive(file);
  const pickle = readEntry(file, archive, 'data.pkl');
  if (!pickle) throw damaged(file, 'the archive has no data.pkl, so torch.save did not write it');
  const byteOrder = readEntry(file, archive, 'byteorder');
  if (byteOrder && Buffer.from(byteOrder).toString('latin1').trim() !== 'little') {
    throw unsupported(file, 'is written in big-endian byte order');
  }
  const views = findStateDict(file, parse(file, pickle));
  const scattered = [...views].filter(([, view]) => !isContiguous(view)).map(([name]) => quote(name));
  if (scattered.length > 0) {
    throw unsupported(file, `holds tensors that are not contiguous: ${listed(scattered)}`, '.contiguous() on each');
  }
  return new Map([...views].map(([name, view]) => [name, locate(file, archive, name, view)]));
}

function parse(file: string, pickle: Uint8Array): unknown {
  try {
    return unpickle(pickle, { constructors: CONSTRUCTORS, load: loadStorage });
  } catch (error) {
    throw damaged(file, `its data.pkl cannot be read (${messageOf(error)})`, error);
  }
}

/** torch/_utils.py: what the functions that a state_dict's pickle calls make of their arguments. */
const CONSTRUCTORS: ReadonlyMap<string, Constructor> = new Map<string, Constructor>([
  ['collections.OrderedDict', () => new Map()],
  ['torch.Size', ([lengths]) => lengths],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', (args) => rebuildTensor(args, TORCH_DTYPES[nameOf(args[6])])],
  ['torch._utils._rebuild_parameter', ([tensor]) => tensor],
  ['torch._utils._rebuild_parameter_with_state', ([tensor]) => tensor],
  // (function, class, its arguments, attributes): a tensor of a subclass, or with attributes
  ['torch._tensor._rebuild_from_type_v2', ([make, , args]) => rebuild(nameOf(make), args)],
]);

function rebuild(name: string, args: unknown): unknown {
  const make = CONSTRUCTORS.get(name);
  return make && Array.isArray(args) ? make(args) : new Opaque(name);
}

/** (storage, offset, size, stride, …) */
function rebuildTensor([storage, offset, shape, strides]: readonly unknown[], dtype?: DType): View {
  if (!(storage instanceof Storage)) throw new Error('a tensor without a storage');
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length) {
    throw new Error('a tensor with a malformed offset, size or stride');
  }
  return new View(storage, dtype ?? storage.dtype, offset, shape, strides);
}

/** ('storage', class, key, device, length) */
function loadStorage(id: unknown): Storage {
  const [kind, type, key] = Array.isArray(id) ? (id as unknown[]) : [];
  if (kind !== 'storage' || typeof key !== 'string' || key.length > MAX_KEY_LENGTH) {
    throw new Error('a persistent id that is not a storage');
  }
  return new Storage(key, STORAGE_DTYPES[nameOf(type).replace(/^torch\.(cuda\.)?/, '')]);
}

function findStateDict(file: string, root: unknown): Map<string, View> {
  const held = root instanceof Map ? STATE_DICT_KEYS.map((key) => (root as Map<unknown, unknown>).get(key)) : [];
  for (const candidate of [...held, root]) {
    const views = new Map<string, View>();
    if (!(candidate instanceof Map)) continue;
    for (const [name, value] of candidate)
      if (typeof name === 'string' && value instanceof View) views.set(name, value);
    if (views.size > 0) return views;
  }
  throw unsupported(file, `holds no state_dict: no tensors at its top level or under ${STATE_DICT_KEYS.join(', ')}`);
}

/** Row-major without gaps. The stride of a dimension of length 1 says nothing, nor does any of a tensor without elements. */
function isContiguous({ shape, strides }: View): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] > 1 && strides[i] !== expected) return false;
    expected *= shape[i];
  }
  return true;
}

function locate(file: string, archive: ReadonlyMap<string, ArchiveEntry>, name: string, view: View): Tensor {
  const { storage, dtype, shape } = view;
  if (!dtype)
    throw unsupported(file, `holds ${quote(name)} in an element type that Patchword does not read`, '.float()');
  const entry = archive.get(`data/${storage.key}`);
  if (!entry) throw damaged(file, `${quote(name)} lies in data/${storage.key}, which is not there`);
  if (!entry.stored) throw unsupported(file, 'is compressed');
  const start = view.offset * DTYPE_BYTES[dtype];
  const byteLength = shape.reduce((product, length) => product * length, DTYPE_BYTES[dtype]);
  // Written so that an overflow to Infinity or NaN is refused too.
  if (!(start + byteLength <= entry.byteLength)) {
    throw damaged(
      file,
      `${quote(name)} takes bytes ${start} to ${start + byteLength} of a storage of ${entry.byteLength}`,
    );
  }
  return { name, dtype, shape, file, offset: entry.offset + start, byteLength };
}

function readEntry(file: string, archive: ReadonlyMap<string, ArchiveEntry>, name: string): Uint8Array | undefined {
  const entry = archive.get(name);
  if (!entry) return undefined;
  if (!entry.stored) throw unsupported(file, 'is compressed');
  if (entry.byteLength > MAX_PICKLE_BYTES) {
    throw damaged(file, `its ${name} has ${entry.byteLength} bytes, more than ${MAX_PICKLE_BYTES}`);
  }
  return readRange(file, entry.offset, entry.byteLength);
}

const listed = (names: string[]) =>
  names.length > 20 ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more` : names.join(', ');
const nameOf = (value: unknown) => (value instanceof Global ? value.name : '');
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MAX_DIMENSIONS && value.every(isCount);

function unsupported(file: string, what: string, how = 'torch.save(model.state_dict(), …)'): PatchwordError {
  return new PatchwordError('MODEL_UNSUPPORTED', `${file} ${what}.`, {
    hint: `Load it with PyTorch and save it again (${how}), or as safetensors.`,
  });
}
