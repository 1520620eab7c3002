import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompressSync } from 'node:zlib';
import { PACKAGE_FOLDER } from '../../../src/paths.js';
import { fixture, temporaryFolder } from '../../fixture.js';

/**
 * The GPU path without a GPU: SwiftShader, a Vulkan driver in software, comes inside @sparticuz/chromium. The loader reads
 * its settings when a process starts, so the model runs in a process of its own.
 */
describe('WebGPU on SwiftShader', () => {
  const folder = temporaryFolder();

  before(() => {
    const file = path.join(PACKAGE_FOLDER, 'node_modules', '@sparticuz', 'chromium', 'bin', 'swiftshader.tar.br');
    const archive = brotliDecompressSync(readFileSync(file));
    execFileSync('tar', ['xf', '-', '-C', folder.path], { input: archive });
  });

  for (const name of ['tiny-vilt', 'tiny-vilt-mlm', 'tiny-vilt-vqa', 'tiny-vilt-nlvr2']) {
    it(`gives the reference's numbers for ${name}`, async () => {
      const { stdout, stderr } = await promisify(execFile)(
        path.join(PACKAGE_FOLDER, 'bin', 'patchword.js'),
        ['model', 'verify', fixture(name), fixture(name, 'cases'), '--device', 'webgpu', '--json'],
        {
          env: {
            ...process.env,
            LD_LIBRARY_PATH: folder.path,
            VK_ICD_FILENAMES: path.join(folder.path, 'vk_swiftshader_icd.json'),
          },
        },
      );
      const { cases, notes } = JSON.parse(stdout) as { cases: { largest: number }[]; notes: string[] };
      assert.deepEqual(notes, [], stderr); // it did not fall back
      assert.ok(cases.length > 0);
      for (const { largest } of cases) assert.ok(largest <= 1e-3, String(largest));
    });
  }
});
