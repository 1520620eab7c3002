import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT_CODES } from '../../../indexer/exit.js';
import { BUNDLED_SAMPLE } from '../../../src/paths.js';
import { runPatchword } from '../../command.js';
import { temporaryFolder } from '../../fixture.js';
import { Hub } from '../../hub.js';
import { untrained, writeStripped } from '../../src/prefilter/checkpoint.js';

const ID = 'dandelin/vilt-b32-finetuned-coco';

describe('patchword fit', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  let hub: Hub;
  let captions: string;
  const images = ['--images', path.dirname(BUNDLED_SAMPLE)];

  /** Against the hub of this test. */
  const patchword = (...parameters: string[]) =>
    runPatchword(parameters, {
      env: { HF_ENDPOINT: hub.url, PATCHWORD_CACHE: at('cache'), PATCHWORD_DATA: at('data') },
    });

  before(async () => {
    // The bundled model's weights without its prefilter heads, under the name of a published checkpoint that has none.
    await writeStripped(at('published'));
    const files = new Map(readdirSync(at('published')).map((name) => [name, readFileSync(at('published', name))]));
    hub = new Hub([{ id: ID, revisions: { main: '0123456789abcdef0123456789abcdef01234567' }, files }]);
    await hub.start();
    const { images } = JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as { images: { sentences: object[] }[] };
    const few = images.slice(0, 60).map((image) => ({ ...image, sentences: image.sentences.slice(0, 1) }));
    captions = at('captions.json');
    writeFileSync(captions, JSON.stringify({ images: few }));
  });
  after(() => hub.stop());

  it('takes a published checkpoint from the hub to a search', async () => {
    const steps = [
      ['model', 'add', ID],
      ['fit', '--model', ID, '--captions', captions, ...images],
      ['index', captions, ...images, '--collection', 'photos', '--model', ID],
      ['search', 'a fox', '--collection', 'photos', '--json', '-k', '3'],
    ];
    const outcomes = [];
    for (const step of steps) {
      const outcome = await patchword(...step);
      assert.equal(outcome.code, 0, `${step.join(' ')}: ${outcome.stderr}`);
      outcomes.push(outcome.stdout);
    }
    assert.match(
      outcomes[1],
      /text → image: fitted[^\n]*\n {2}raw cosine[^\n]*\n {2}without the encoder[^\n]*\n {2}chance/,
    );
    const { hits } = JSON.parse(outcomes[3]) as { hits: { similarity: number; matchScore: number }[] };
    assert.equal(hits.length, 3);
    assert.ok(hits.every(({ similarity, matchScore }) => similarity > -1 && Number.isFinite(matchScore)));

    const info = await patchword('model', 'info', ID, '--json');
    const { prefilter } = JSON.parse(info.stdout) as { prefilter: { source: string; recall: { textToImage: object } } };
    assert.equal(prefilter.source, 'fit');
    assert.deepEqual(Object.keys(prefilter.recall.textToImage), ['1', '5', '10', '32', '100']);
    assert.match((await patchword('model', 'info', ID)).stdout, /recall, % +text → image {2}@1 /);
  });

  it('refuses what it cannot read, and shares that leave nothing to fit on', async () => {
    const none = await patchword('fit', '--model', ID);
    assert.match(none.stderr, /required option '--captions/);
    const all = await patchword('fit', '--model', ID, '--captions', captions, '--validation', '1');
    assert.deepEqual([all.code, all.stdout], [2, '']);
    assert.match(all.stderr, /share above 0, at most 0\.5/);
    const absent = await patchword('fit', '--model', ID, '--captions', at('nowhere'));
    assert.equal(absent.code, 3);
  });

  it('fails where the fit is useless: its figures are no result, but for who reads them as JSON', async () => {
    const model = await writeStripped(at('untrained'), untrained(7));
    const command = ['fit', '--model', model, '--captions', captions, ...images];
    const told = await patchword(...command);
    assert.deepEqual([told.code, told.stdout], [EXIT_CODES.PREFILTER_USELESS, '']);
    assert.match(told.stderr, /useless and was not written: text finds its image among ten for [\d.]+ %/);
    const json = await patchword(...command, '--json');
    assert.equal(json.code, EXIT_CODES.PREFILTER_USELESS);
    assert.equal((JSON.parse(json.stdout) as { folder: string | null }).folder, null);
  });
});
