import assert from 'node:assert/strict';
import { openSource } from '../../../indexer/readers/source.js';
import { fixture } from '../../fixture.js';
import { readAll, readShort, refusal, sourceFolders } from './files.js';

describe("Flickr8k's captions.txt", () => {
  const make = sourceFolders();
  const captions = (text: string) => `${make({ 'captions.txt': text, 'Images/a.jpg': null })}/captions.txt`;

  it('takes no --columns, and is refused whole where it has no rows', async () => {
    const source = captions('image,caption\na.jpg,a fox\n');
    await assert.rejects(readAll(source, { columns: { image: 'image' } }), {
      code: 'INVALID_ARGUMENT',
      message: /--columns is of no use to Flickr8k captions\.txt/,
    });
    await assert.rejects(readAll(captions('image,caption\n')), refusal(/captions\.txt:1: it lists no images/));
  });

  it('reports rows that cannot be used, and reads the rest', async () => {
    const { images, skipped } = await readShort(
      captions('image,caption\na.jpg,a fox\n,a house\na.jpg,a fox, running\n'),
    );
    assert.deepEqual(images, [['a.jpg', ['a fox'], null]]);
    assert.equal(skipped[0], 'captions.txt:3: image: it is empty');
    assert.match(skipped[1], /^captions\.txt:4: it has 3 columns, the first line has 2; quote/);
  });

  it('says how to name columns that are not recognised', async () => {
    await assert.rejects(readAll(captions('photo,remark\na.jpg,a fox\n')), {
      code: 'SOURCE_INVALID',
      hint: /--format csv --columns image=NAME/,
    });
  });

  it('is a table where it is Flickr30k, in a folder too', async () => {
    const text = 'image_name,comment_number,comment\na.jpg,0,a fox\na.jpg,1,"a fox, running"\n';
    const file = captions(text);
    for (const source of [file, file.replace('/captions.txt', '')]) {
      assert.equal((await openSource({ source })).format, 'csv');
      assert.deepEqual((await readShort(source)).images, [['a.jpg', ['a fox', 'a fox, running'], null]]);
    }
  });

  it('is read as Kaggle has it', async () => {
    const folder = fixture('readers', 'flickr8k');
    const { format, total, root } = await openSource({ source: folder });
    assert.deepEqual([format, total, root], ['flickr8k', 2, `${folder}/Images`]);
    assert.deepEqual((await readShort(folder)).images, [
      ['1000268201_693b08cb0e.jpg', ['A red fox runs .', 'A fox , "red" , in the snow .'], null],
      ['1001773457_577c3a7d70.jpg', ['A blue house .'], null],
    ]);
  });
});
