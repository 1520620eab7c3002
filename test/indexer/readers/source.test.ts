import assert from 'node:assert/strict';
import path from 'node:path';
import type { Format } from '../../../indexer/readers/reader.js';
import { describeReader, openSource } from '../../../indexer/readers/source.js';
import { refusal, sourceFolders } from './files.js';

/** A file of each format that lists `a.jpg`. */
const LISTS: Partial<Record<Format, string>> = {
  karpathy: '{"dataset": "x", "images": [{"filename": "a.jpg", "sentences": [{"raw": "a fox"}]}]}',
  coco: '{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "caption": "a fox"}]}',
  albef: '[\n {"image": "a.jpg", "caption": "a fox"}]',
  token: 'a.jpg#0\ta fox\n',
  flickr30k: 'image_name| comment_number| comment\r\na.jpg| 0| a fox\r\n',
  jsonl: '{"file_name": "a.jpg", "text": "a fox"}\n',
  csv: '"caption",image\na fox,a.jpg\n',
  tsv: 'caption\timage\na fox\ta.jpg\n',
};

describe('openSource', () => {
  const make = sourceFolders();
  const entries = Object.entries(LISTS) as [Format, string][];

  it('refuses a file of no format that is recognised, and says which there are', async () => {
    for (const content of ['', 'a fox', 'null', '{}', '\0\x01', '{"caption": "a fox"}']) {
      const source = path.join(make({ 'list.data': content, 'a.jpg': null }), 'list.data');
      await assert.rejects(openSource({ source }), {
        ...refusal(/list\.data is of no format that is recognised/),
        hint: /--format: .*parquet, karpathy, coco, .*folder/,
      });
    }
    const utf16 = path.join(make({ 'list.json': Buffer.from(`\uFEFF${LISTS.karpathy}`, 'utf16le') }), 'list.json');
    await assert.rejects(openSource({ source: utf16 }), refusal(/list\.json:1: it is UTF-16; expected UTF-8\.$/));
    for (const [packing, head] of Object.entries({ zip: 'PK\x03\x04', gzip: '\x1F\x8B\x08\0' })) {
      const packed = path.join(make({ 'captions.data': Buffer.from(head, 'latin1') }), 'captions.data');
      await assert.rejects(openSource({ source: packed }), {
        ...refusal(new RegExp(`captions\\.data is packed with ${packing}\\.$`)),
        hint: /Unpack it/,
      });
    }
    await assert.rejects(openSource({ source: '/dev/null' }), refusal(/neither a folder nor a file/));
  });

  it('recognises a file by what it holds, whatever it is called', async () => {
    for (const [format, content] of entries) {
      for (const mark of ['', '\uFEFF']) {
        const source = path.join(make({ 'list.data': mark + content, 'a.jpg': null }), 'list.data');
        const reader = await openSource({ source });
        assert.deepEqual([reader.format, reader.total], [format, 1]);
      }
    }
  });

  it('takes a file that is broken for what it is called, and says what is wrong with it', async () => {
    const broken: [string, RegExp][] = [
      ['dataset_x.json', /dataset_x\.json:1: it is not JSON/],
      ['captions_val2017.json', /captions_val2017\.json:1: it is not JSON/],
      ['x.csv', /x\.csv:1: there is no column of pictures/],
      ['x.tsv', /x\.tsv:1: there is no column of pictures/],
      ['x.jsonl', /x\.jsonl:1: it is not JSON/],
    ];
    for (const [name, message] of broken) {
      const source = path.join(make({ [name]: 'a,b\nc,d\n', 'a.jpg': null }), name);
      await assert.rejects(openSource({ source }), refusal(message));
    }
  });

  it('reads what --format says, and nothing else', async () => {
    const folder = make({ 'list.data': LISTS.jsonl, 'dataset.json': LISTS.karpathy, 'a.jpg': null });
    assert.equal((await openSource({ source: folder })).format, 'karpathy');
    assert.equal((await openSource({ source: folder, format: 'folder' })).format, 'folder');
    await assert.rejects(openSource({ source: folder, format: 'coco' }), {
      ...refusal(/holds no file that is taken for COCO captions JSON/),
      hint: 'Name the file itself.',
    });
    const file = path.join(folder, 'list.data');
    await assert.rejects(
      openSource({ source: file, format: 'coco' }),
      refusal(/list\.data:1: .*no list named "annotations"/),
    );
    await assert.rejects(openSource({ source: file, format: 'folder' }), { code: 'FILE_NOT_FOUND' });
  });

  it('reads the one dataset that a folder holds beside its pictures; of several, one must be named', async () => {
    const names = {
      karpathy: 'dataset_x.json',
      coco: 'captions_x.json',
      token: 'x.token.txt',
      jsonl: 'metadata.jsonl',
    };
    for (const [format, name] of Object.entries(names)) {
      const reader = await openSource({ source: make({ [name]: LISTS[format as Format], 'a.jpg': null }) });
      assert.deepEqual([reader.format, path.basename(reader.path)], [format, name]);
    }
    const folder = make({ 'a.jpg': null, 'dataset.json': LISTS.karpathy, 'x.csv': LISTS.csv, 'y.tsv': LISTS.tsv });
    await assert.rejects(openSource({ source: folder }), {
      ...refusal(/holds several datasets: dataset\.json, x\.csv, y\.tsv\.$/),
      hint: /Name one of them, for example .*\/dataset\.json/,
    });
    assert.equal((await openSource({ source: folder, format: 'tsv' })).format, 'tsv');
  });

  it('finds a dataset where its publisher puts it, in a folder beside those of the pictures', async () => {
    const published: [Format, string, string][] = [
      ['coco', 'annotations/captions_val2017.json', 'val2017/a.jpg'],
      ['token', 'Flickr8k_text/Flickr8k.token.txt', 'Flicker8k_Dataset/a.jpg'],
    ];
    for (const [format, list, picture] of published) {
      const beside = path.join(path.dirname(list), 'instances_val2017.json');
      const folder = make({ [list]: LISTS[format], [picture]: null, [beside]: '{"annotations": []}' });
      const reader = await openSource({ source: folder });
      assert.deepEqual([reader.format, reader.total, reader.path], [format, 1, path.join(folder, list)]);
      assert.equal((await openSource({ source: folder, format })).path, path.join(folder, list));
      assert.equal((await openSource({ source: folder, format: 'folder' })).format, 'folder');
    }
    const both = { 'annotations/captions_train2017.json': LISTS.coco, 'annotations/captions_val2017.json': LISTS.coco };
    await assert.rejects(
      openSource({ source: make({ ...both, 'val2017/a.jpg': null }) }),
      refusal(/several datasets: annotations\/captions_train2017\.json, annotations\/captions_val2017\.json\.$/),
    );
    const nearer = make({
      ...both,
      'dataset.json': LISTS.karpathy,
      'a.jpg': null,
      'Flickr8k_text/readme.txt': 'a fox',
    });
    assert.equal((await openSource({ source: nearer })).format, 'karpathy');
    assert.equal((await openSource({ source: make({ annotations: 'a file', 'a.jpg': null }) })).format, 'folder');
  });

  it('is not misled by files that are called like datasets and are none', async () => {
    const folder = make({
      'a.jpg': null,
      'dataset.jpg': null,
      'dataset.json': { sentences: ['a fox'] },
      'captions.jpg': null,
      'captions.txt': 'a fox\n',
      'results.csv': 'date,amount\n2024-01-01,7\n',
      'log.jsonl': '{"level": 30, "text": "hello"}\n',
      'dataset_2.json/readme': 'a folder',
    });
    const reader = await openSource({ source: folder });
    assert.deepEqual([reader.format, reader.total], ['folder', 3]);
  });

  it('says in a line what is read, and as what', async () => {
    const folder = make({ 'captions.jsonl': LISTS.jsonl, 'a.jpg': null });
    assert.equal(describeReader(await openSource({ source: folder })), 'Reading captions.jsonl as JSON Lines.');
    const pictures = await openSource({ source: folder, format: 'folder' });
    assert.match(describeReader(pictures), /^Reading \d+ as a folder of pictures with \.txt or \.json beside them\.$/);
  });
});
