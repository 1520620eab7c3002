import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_FOLDER } from '../../../src/paths.js';
import type { Device } from '../../../src/vilt/device.js';
import { chooseDevice } from '../../../src/vilt/session.js';
import { ViltModel } from '../../../src/vilt/model.js';
import { fixture, temporaryFolder } from '../../fixture.js';

describe('chooseDevice', () => {
  const cache = temporaryFolder();
  let graph: string;

  before(async () => {
    const model = await ViltModel.open({ model: fixture('tiny-vilt'), cache: cache.path });
    graph = path.join(model.graphs, 'pooler.onnx');
    await model.close();
  });

  it('refuses a device that does not exist', async () => {
    await assert.rejects(chooseDevice(graph, 'gpu' as Device), {
      code: 'INVALID_ARGUMENT',
      message: /cpu, cuda, webgpu, auto/,
    });
  });

  it('takes the CPU when asked, without a word', async () => {
    assert.deepEqual(await chooseDevice(graph, 'cpu'), { device: 'cpu', note: null });
  });

  for (const device of ['cuda', 'webgpu'] as const) {
    it(`falls back from ${device} with a line that says so, where it is not there`, async () => {
      const chosen = await chooseDevice(graph, device);
      if (chosen.device === device) assert.equal(chosen.note, null);
      else {
        assert.equal(chosen.device, 'cpu');
        assert.match(chosen.note!, new RegExp(`^${device} is not available here, running on the CPU \\(.+\\)$`));
        assert.ok(!chosen.note!.includes('\n'));
      }
    });
  }

  it('chooses by itself without a note', async () => {
    const { device, note } = await chooseDevice(graph, 'auto');
    assert.ok(device === 'cuda' || device === 'cpu');
    assert.equal(note, null);
  });
});

describe('telemetry', () => {
  const home = temporaryFolder();

  const image = fixture('preprocess', 'small_90x60.png');
  // In this thread, and in a worker.
  const commands = [
    ['model', 'verify', fixture('tiny-vilt'), fixture('tiny-vilt', 'cases', 'square.safetensors')],
    ['score', '--text', 'a fox', '--image', image],
  ];
  for (const command of commands) {
    it(`is off: ${command[0]} leaves nothing in the home folder`, async () => {
      await promisify(execFile)(path.join(PACKAGE_FOLDER, 'bin', 'patchword.js'), command, {
        env: { ...process.env, HOME: home.path, XDG_CACHE_HOME: '', ORT_DISABLE_TELEMETRY: undefined },
      });
      assert.deepEqual(readdirSync(home.path), []);
    });
  }
});
