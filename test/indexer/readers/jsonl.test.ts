import assert from 'node:assert/strict';
import type { SourceImage } from '../../../indexer/readers/reader.js';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture } from '../../fixture.js';
import { readAll, readShort, refusal, sourceFolders } from './files.js';

describe('JSON Lines', () => {
  const make = sourceFolders();
  const lines = (...texts: (string | Buffer)[]) => {
    const bytes = Buffer.concat(texts.flatMap((text) => [Buffer.from(text), Buffer.from('\n')]));
    return `${make({ 'captions.jsonl': bytes, 'a.jpg': null, 'b.jpg': null })}/captions.jsonl`;
  };

  it('is refused whole where no line can be used, with the first reason', async () => {
    await assert.rejects(readAll(lines('')), refusal(/captions\.jsonl:1: it lists no images/));
    await assert.rejects(readAll(lines('[1]', '7')), refusal(/captions\.jsonl:1: expected an object, got a list/));
    await assert.rejects(readAll(lines('{"a": 1}')), refusal(/captions\.jsonl:1: there is no column of pictures/));
    const utf16 = lines(Buffer.from('\uFEFF{"image": "a.jpg"}', 'utf16le'));
    await assert.rejects(readAll(utf16), refusal(/captions\.jsonl:1: it is UTF-16; expected UTF-8/));
  });

  it('reports lines that cannot be used, and reads the rest', async () => {
    const source = lines(
      '\uFEFF{"image": "a.jpg", "caption": "a fox"}\r',
      '{"image": "a.jpg", "caption": 7}',
      '',
      '{"image": "a.jpg"',
      '{"image": {"bytes": ""}, "caption": "a fox"}',
      '{"caption": "a fox"}',
      '{"image": "b.jpg", "caption": "a house", "split": 3}',
      Buffer.from('{"image": "b.jpg", "caption": "caf\xe9"}', 'latin1'),
      `{"image": "b.jpg", "caption": "${'x'.repeat(1_000_000)}"}`,
      `{"image": "b.jpg", "caption": "${'x'.repeat(17 * 2 ** 20)}"}`,
      '{"image": "a.jpg", "captions": "ignored", "caption": null}',
      '{"image": "a.jpg", "caption": ["two foxes", "three"]}',
    );
    const { images, skipped } = await readShort(source);
    assert.deepEqual(images, [['a.jpg', ['a fox', 'two foxes', 'three'], null]]);
    assert.match(skipped[1], /^captions\.jsonl:4: it is not JSON: /);
    assert.deepEqual(skipped.toSpliced(1, 1), [
      'captions.jsonl:2: a.jpg: caption: expected a string or a list of strings, got a number',
      'captions.jsonl:5: image: expected a string, got an object',
      'captions.jsonl:6: image: expected a string, got nothing',
      'b.jpg: captions.jsonl:7: split: expected a string, got a number',
      'captions.jsonl:8: it is not UTF-8 text',
      'b.jpg: captions.jsonl:9: a caption has 1000000 characters; at most 10000 are read',
      `captions.jsonl:10: it has ${17 * 2 ** 20 + 33} bytes; lines of up to 16777216 are read`,
    ]);
  });

  it('keeps scalars as attributes; names and nested values of all kinds are harmless', async () => {
    const [only] = (await readAll(
      lines(
        '{"image": "a.jpg", "caption": "a fox", "__proto__": "x", "constructor": 1, "ok": true, "none": null, "list": [1], "": 2}',
      ),
    )) as SourceImage[];
    assert.deepEqual(Object.entries(only.attributes), [
      ['__proto__', 'x'],
      ['constructor', 1],
      ['ok', true],
      ['none', null],
    ]);
  });

  it('has the keys that --columns names', async () => {
    const source = lines('{"photo": "a.jpg", "remark": "a fox", "part": "restval"}');
    const columns = { image: 'photo', caption: 'remark', split: 'part' };
    assert.deepEqual((await readShort(source, { columns })).images, [['a.jpg', ['a fox'], 'train']]);
  });

  it('is found in a folder, as metadata.jsonl is beside its pictures', async () => {
    const folder = fixture('readers', 'jsonl');
    const { format, path, total } = await openSource({ source: folder });
    assert.deepEqual([format, path, total], ['jsonl', `${folder}/metadata.jsonl`, 2]);
    const images = (await readAll(folder)) as SourceImage[];
    assert.deepEqual(
      images.map(({ name, captions, attributes }) => [name, captions, attributes]),
      [
        ['train/fox.jpg', ['A red fox'], { label: 3 }],
        ['train/house.jpg', ['A blue house'], { label: 7 }],
      ],
    );
  });
});
