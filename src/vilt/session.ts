import './environment.js'; // first: it has to be there when ONNX Runtime loads
import ort from 'onnxruntime-node';
import { PatchwordError, messageOf } from '../errors.js';
import { DEVICES, type Device } from './device.js';

export interface SessionOptions {
  device: Exclude<Device, 'auto'>;
  /** Threads of one run; ONNX Runtime's own choice where it is not given. */
  threads?: number;
}

/** Values by name; int64 comes and goes as BigInt64Array. */
export interface TensorValue {
  data: Float32Array | BigInt64Array;
  dims: readonly number[];
}

// What goes wrong is thrown; ONNX Runtime would also write it to stderr, in colour and over several lines.
ort.env.logLevel = 'fatal';

/** One ONNX graph, loaded. `run` blocks the thread that calls it, so sessions live in a worker. */
export class Session {
  private constructor(private readonly session: ort.InferenceSession) {}

  static async open(file: string, { device, threads }: SessionOptions): Promise<Session> {
    return new Session(
      await ort.InferenceSession.create(file, {
        executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
        graphOptimizationLevel: 'all',
        logSeverityLevel: 4,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        // Spinning threads starve the main thread and each other under load: ten runs fell from 2,495 to 1,808 ms without.
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      }),
    );
  }

  /** Runs the graph and returns the output of that name. */
  async run(
    feeds: Record<string, TensorValue>,
    output: string,
  ): Promise<{ data: Float32Array; dims: readonly number[] }> {
    const tensors: Record<string, ort.Tensor> = {};
    for (const [name, { data, dims }] of Object.entries(feeds)) {
      tensors[name] =
        data instanceof Float32Array ? new ort.Tensor('float32', data, dims) : new ort.Tensor('int64', data, dims);
    }
    const { [output]: result } = await this.session.run(tensors, [output]);
    return { data: result.data as Float32Array, dims: result.dims };
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

/** ONNX Runtime puts the place in its own sources before the reason. */
function reasonOf(error: unknown): string {
  return messageOf(error)
    .replace(/^.* was false\. /, '')
    .replace(/\.$/, '');
}

/**
 * Opens a session on the device asked for, or on the CPU with a note where that device is not there.
 *
 * @param file a graph to try it with
 */
export async function chooseDevice(
  file: string,
  device: Device,
): Promise<{ device: SessionOptions['device']; note: string | null }> {
  const supported = ort.listSupportedBackends().map(({ name }) => name);
  if (device === 'cpu') return { device, note: null };
  const wanted = device === 'auto' ? 'cuda' : device;
  if (!DEVICES.includes(device)) {
    throw new PatchwordError('INVALID_ARGUMENT', `Device "${device}" is not one of ${DEVICES.join(', ')}.`);
  }
  try {
    if (!supported.includes(wanted)) throw new Error(`this build of ONNX Runtime has no ${wanted} provider`);
    const session = await Session.open(file, { device: wanted });
    await session.close();
    return { device: wanted, note: null };
  } catch (error) {
    if (device === 'auto') return { device: 'cpu', note: null };
    return { device: 'cpu', note: `${wanted} is not available here, running on the CPU (${reasonOf(error)})` };
  }
}
