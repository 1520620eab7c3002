import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CommanderError } from 'commander';
import { EXIT_CODES } from '../../indexer/exit.js';
import { toPatchwordError } from '../../indexer/failure.js';
import { createProgram } from '../../indexer/program.js';
import { ERROR_CODES, type PatchwordError } from '../../src/errors.js';
import { PACKAGE_FOLDER } from '../../src/paths.js';

/** What the command line would report for these arguments. */
async function failureOf(...parameters: string[]): Promise<PatchwordError> {
  try {
    await createProgram().parseAsync(parameters, { from: 'user' });
  } catch (error) {
    return toPatchwordError(error);
  }
  throw new Error(`${parameters.join(' ')} was accepted.`);
}

const documentation = readFileSync(path.join(PACKAGE_FOLDER, 'docs', 'cli.md'), 'utf8');

describe('the command line', () => {
  const score = ['score', '--text', 'a fox', '--image', 'fox.png'];
  const search = ['search', 'a fox', '--collection', 'sample'];
  const index = ['index', 'no/such/folder', '--collection', 'x'];
  const cases: [string[], RegExp, RegExp?][] = [
    [['serach'], /unknown command 'serach'/, /Did you mean search\?/],
    [['model', 'verfy'], /unknown command 'verfy'/, /Did you mean verify\?/],
    [[...score, '--modle', 'x'], /unknown option '--modle'/, /Did you mean --model\?/],
    [['search', 'a fox', '--colection', 'x'], /unknown option '--colection'/, /Did you mean --collection\?/],
    [['score', '--text', 'a fox'], /required option '--image <file>' not specified/, /--help/],
    [['search', 'a fox'], /required option '--collection <name>' not specified/],
    [['index'], /missing required argument 'source'/],
    [[...score, '--device', 'gpu'], /'gpu' is invalid\. Allowed choices are cpu, cuda, webgpu, auto/],
    [[...score, '--precision', 'int4'], /Allowed choices are fp32, int8, fp16/],
    [[...search, '-k', '0'], /'0' is invalid\. Expected a whole number, from 1 to 1000/],
    [[...search, '-k', '1e2'], /Expected a whole number/],
    [[...search, '--candidates', '1001'], /from 1 to 1000/],
    [[...search, '--rerank-pairs', '-1'], /a whole number, 0 or more/],
    [[...search, '--rerank-milliseconds', 'soon'], /Expected a number, 0 or more/],
    [[...search, '--image', 'fox.png'], /Expected a text or --image FILE, got both/],
    [[...search, '--target', 'images'], /--target goes with --image/],
    [['search', '--collection', 'sample'], /got neither/, /patchword search "/],
    [[...search, 'at night'], /too many arguments/],
    [[...search, '--sources', 'titles'], /'titles' is invalid\. Expected nearest, captions or nearest,captions/],
    [[...search, '--sources', ''], /Expected nearest, captions/],
    [[...search, '--where', 'split'], /'split' is invalid\. Expected NAME=VALUE, such as split=test/],
    [[...search, '--where', '=test'], /Expected NAME=VALUE/],
    [[...search, '--where', 'a=1', '--where', 'b'], /'b' is invalid\. Expected NAME=VALUE/],
    [[...search, '--filter', 'split=test'], /'split=test' is invalid\. Expected JSON/],
    [[...search, '--filter', '{"field":"split"}'], /filter has no condition/],
    [[...search, '--filter', '{"and":[{"field":"a","eq":[]}]}'], /filter\.and\[0\]\.eq: expected/],
    [[...search, '--filter', `{"field":"a","eq' OR 1=1":1}`], /filter has no key "eq' OR 1=1"/],
    [['eval'], /missing required argument 'dataset'/],
    [['eval', 'd', '--candidates', '1,0'], /'1,0' is invalid\. Expected whole numbers from 1 to 10000 with commas/],
    [['eval', 'd', '--candidates', '1, x'], /Expected whole numbers from 1 to 10000/],
    [['eval', 'd', '--candidates', ''], /Expected whole numbers from 1 to 10000/],
    [['eval', 'd', '--protocol', 'coco'], /'coco' is invalid\. Allowed choices are whole-split, flickr30k-1k, coco-5k/],
    [['eval', 'd', '--queries', '0'], /Expected a whole number, 1 or more/],
    [['compare', '--text', 'a fox', '--image', 'a.png'], /Expected two images, got 1/],
    [['model', 'verify', 'm', 'c', '--tolerance', '-1'], /Expected a number, 0 or more/],
    [[...index, '--format', 'zip'], /'zip' is invalid\. Allowed choices are folder, karpathy, coco, .*parquet/],
    [[...index, '--columns', 'photo=a'], /Expected image=NAME,caption=NAME,split=NAME, each at most once/],
    [[...index, '--columns', 'image='], /Expected image=NAME/],
    [[...index, '--columns', 'image=a,image=b'], /Expected image=NAME/],
    [[...index, '--columns', ''], /Expected image=NAME/],
    [['serve', '--port', '65536'], /from 0 to 65535/],
  ];
  for (const [parameters, message, hint] of cases) {
    it(`refuses ${parameters.join(' ')}`, async () => {
      const failure = await failureOf(...parameters);
      assert.equal(failure.code, 'INVALID_ARGUMENT');
      assert.match(failure.message, message);
      assert.doesNotMatch(failure.message, /\n|^error/);
      if (hint) assert.match(failure.hint ?? '', hint);
    });
  }

  it('says that a source is not there before it makes a collection', async () => {
    const failure = await failureOf('index', 'no/such/folder', '--collection', 'x', '--data', '/no/such/place');
    assert.equal(failure.code, 'FILE_NOT_FOUND');
  });

  it('shows help and its version without failing', async () => {
    const program = createProgram().configureOutput({ writeOut: () => undefined });
    await assert.rejects(program.parseAsync(['--help'], { from: 'user' }), (error) => {
      return error instanceof CommanderError && error.exitCode === 0;
    });
  });

  it('says in the help of eval where the options of `eval DATASET` are', async () => {
    let help = '';
    const program = createProgram();
    const evaluation = program.commands.find((command) => command.name() === 'eval')!;
    evaluation.configureOutput({ writeOut: (text) => (help += text) });
    await assert.rejects(program.parseAsync(['eval', '--help'], { from: 'user' }), CommanderError);
    assert.match(help, /^Usage: patchword eval \[options\] <dataset> \| <command>\n/);
    assert.match(help, /patchword eval retrieval --help lists its options\.\n$/);
  });
});

describe('docs/cli.md', () => {
  it('lists the exit code of every error', () => {
    for (const code of Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[]) {
      const line = documentation.split('\n').find((text) => text.startsWith('|') && text.includes(`\`${code}\``));
      assert.match(line ?? `nothing on ${code}`, new RegExp(`^\\| ${EXIT_CODES[code]} +\\|`));
    }
  });

  it('describes every verb and option', () => {
    const commands = createProgram().commands.flatMap((command) => [command, ...command.commands]);
    for (const command of [createProgram(), ...commands]) {
      for (const option of command.options) {
        const flag = option.long ?? option.short ?? '';
        assert.ok(documentation.includes(`\`${flag}`), `${command.name()} ${flag}`);
      }
      assert.ok(documentation.includes(command.name()), command.name());
    }
  });
});

/** The packages that a process loads with a module, its static imports' alone. */
function packagesOf(module: string): string[] {
  const hook = `
    import { writeSync } from 'node:fs';
    export async function resolve(specifier, context, next) {
      const found = await next(specifier, context);
      const [, name] = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(found.url) ?? [];
      if (name) writeSync(1, name + '\\n');
      return found;
    }`;
  const url = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(url(hook))});`;
  const code = `await import(${JSON.stringify(pathToFileURL(path.join(PACKAGE_FOLDER, 'dist', module)).href)}); process.exit(0);`;
  const node = ['--import', url(register), '--input-type=module', '--eval', code];
  const { stdout, stderr, status } = spawnSync(process.execPath, node, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return [...new Set(stdout.split('\n').filter((name) => name !== ''))].sort();
}

describe('what is loaded', () => {
  it('for help and refusals is what parses arguments', () => {
    assert.deepEqual(packagesOf('indexer/program.js'), ['commander']);
  });

  it('before a collection is opened is no package: its store and its model load theirs in threads of their own', () => {
    assert.deepEqual(packagesOf('src/engine.js'), []);
  });

  it('for a picture is no reader of tables', () => {
    assert.deepEqual(packagesOf('src/original.js'), []);
    assert.ok(packagesOf('src/tablepicture.js').includes('hyparquet'), 'which is seen where it is loaded');
  });
});

describe('toPatchwordError', () => {
  it('explains a full disk and a folder that cannot be written', () => {
    const full = toPatchwordError(Object.assign(new Error('write'), { code: 'ENOSPC', path: '/data/x' }));
    assert.equal(full.code, 'DISK_FULL');
    assert.match(full.message, /\/data\/x/);
    assert.equal(toPatchwordError(Object.assign(new Error('open'), { code: 'EROFS', path: '/x' })).code, 'READ_ONLY');
  });

  it('explains a path that leads nowhere', () => {
    for (const code of ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']) {
      const failure = toPatchwordError(Object.assign(new Error(code), { code, path: '/x', syscall: 'realpath' }));
      assert.equal(failure.code, 'FILE_NOT_FOUND');
      assert.match(failure.message, /^\/x /);
    }
  });

  it('calls anything else a bug', () => {
    const failure = toPatchwordError(new TypeError('x is not a function'));
    assert.equal(failure.code, 'INTERNAL');
    assert.match(failure.hint ?? '', /--verbose/);
  });
});
