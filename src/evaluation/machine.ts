import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { PACKAGE_VERSION } from '../paths.js';
import type { RetrievalResult } from './result.js';

export function describeMachine(): RetrievalResult['machine'] {
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memory: totalmem(),
    platform: `${platform()} ${arch()}`,
  };
}

export function describeVersions(): RetrievalResult['versions'] {
  const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return { patchword: PACKAGE_VERSION, node: process.versions.node, onnxruntime: version };
}
