import { Worker, type MessagePort } from 'node:worker_threads';
import { messageOf, PatchwordError, type ErrorCode } from './errors.js';

/**
 * Calls between a thread and its worker, typed by one interface of handlers that both sides share:
 *
 *     // adder.ts, the worker                                  // the thread that owns it
 *     export interface Adder { add(a: number, b: number): number }
 *     serveWorker<Adder>(parentPort!, { add: (a, b) => a + b });   const adder = callWorker<Adder>(startWorker(url));
 *                                                                 await adder.call('add', 2, 3); // 5
 *
 * Arguments and results are copied (structured clone), but for the buffers named by `transfer`, which move.
 * Errors arrive with their message and, if they are PatchwordErrors, with their code and hint.
 */
export type Handlers<H> = { [M in keyof H]: (...args: never[]) => unknown };

export interface WorkerClient<H extends Handlers<H>> {
  /** @throws whatever the handler threw; PatchwordError INTERNAL when the worker has died, or dies before it answers */
  call<M extends keyof H>(method: M, ...args: Parameters<H[M]>): Promise<Awaited<ReturnType<H[M]>>>;
  /** Takes no more calls, lets those under way finish, and ends the worker. */
  close(): Promise<void>;
}

/** What passes from the owner to the worker … */
interface Request {
  id: number;
  method: PropertyKey;
  args: unknown[];
}

/** … and back: one response to each request, and events of the worker's own accord. */
type Response = { id: number; value: unknown } | { id: number; error: SentError } | { event: unknown };

interface SentError {
  name: string;
  message: string;
  stack: string | undefined;
  /** A PatchwordError's code, or a system error's ("ENOENT"). */
  code: string | undefined;
  hint: string | undefined;
}

const transfers = new WeakMap<object, ArrayBuffer[]>();

/** Marks buffers inside an argument or a result to be moved, not copied; the sender's views of them are empty afterwards. */
export function transfer<T extends object>(value: T, buffers: ArrayBuffer[]): T {
  transfers.set(value, buffers);
  return value;
}

/** Answers the calls that arrive at `port`, in the worker. Handlers may be asynchronous and then overlap. */
export function serveWorker<H extends Handlers<H>>(port: MessagePort, handlers: H): void {
  const answer = async ({ id, method, args }: Request) => {
    try {
      const value = await handlers[method as keyof H](...(args as never[]));
      post(port, { id, value }, [value]);
    } catch (error) {
      post(port, { id, error: packError(error) });
    }
  };
  port.on('message', (request: Request) => void answer(request));
}

/** Sends the owner something that it did not ask for: progress, a line for the user. In order with the responses. */
export function emitEvent(port: MessagePort, event: unknown): void {
  post(port, { event });
}

/**
 * Starts a worker. Node hands its own options down to it, of which --input-type (`node --input-type=module -e …`) is about the
 * main script alone, and ends a worker at once.
 */
export function startWorker(file: URL): Worker {
  const aboutScript = process.execArgv.some((option) => option.startsWith('--input-type'));
  return new Worker(file, aboutScript ? { execArgv: [] } : {});
}

/** A worker that runs `serveWorker`, from the thread that owns it. An idle worker does not keep the process alive. */
export function callWorker<H extends Handlers<H>>(
  worker: Worker,
  options: { onEvent?: (event: unknown) => void } = {},
): WorkerClient<H> {
  const pending = new Map<number, { resolve: (value: never) => void; reject: (error: unknown) => void }>();
  let calls = 0;
  let death: PatchwordError | undefined;
  let closing: Promise<void> | undefined;
  let drained = () => {};

  const settle = (id: number) => {
    const call = pending.get(id);
    pending.delete(id);
    if (pending.size === 0) {
      worker.unref();
      drained();
    }
    return call;
  };
  const die = (cause: unknown) => {
    death ??= new PatchwordError('INTERNAL', `A worker thread stopped: ${messageOf(cause)}`, { cause });
    for (const id of [...pending.keys()]) settle(id)?.reject(death);
  };

  worker.on('message', (response: Response) => {
    if ('event' in response) options.onEvent?.(response.event);
    else if ('error' in response) settle(response.id)?.reject(unpackError(response.error));
    else settle(response.id)?.resolve(response.value as never);
  });
  worker.on('messageerror', die);
  worker.on('error', die);
  worker.on('exit', (code) => die(new Error(`it exited with code ${code}`)));
  worker.unref();

  return {
    call: (method, ...args) =>
      new Promise((resolve, reject) => {
        if (closing) throw new PatchwordError('INVALID_ARGUMENT', `"${String(method)}" was called after close().`);
        if (death) throw death;
        const id = calls++;
        post(worker, { id, method, args }, args);
        worker.ref();
        pending.set(id, { resolve, reject });
      }),
    close: () =>
      (closing ??= (async () => {
        if (pending.size > 0) await new Promise<void>((resolve) => (drained = resolve));
        worker.ref();
        await worker.terminate();
      })()),
  };
}

function post(port: MessagePort | Worker, message: Request | Response, parts: unknown[] = []): void {
  const buffers = new Set(parts.flatMap((part) => transfers.get(part as object) ?? []));
  port.postMessage(message, [...buffers]);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function packError(error: unknown): SentError {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), stack: undefined, code: undefined, hint: undefined };
  const { name, message, stack } = error;
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  return { name, message, stack, code: textOf(code), hint: textOf(hint) };
}

function unpackError({ name, message, stack, code, hint }: SentError): Error {
  const error =
    name === 'PatchwordError'
      ? new PatchwordError(code as ErrorCode, message, hint === undefined ? {} : { hint })
      : Object.assign(new Error(message), { name }, code === undefined ? {} : { code });
  if (stack !== undefined) error.stack = stack;
  return error;
}
