import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fixture } from '../../fixture.js';
import {
  type Answer,
  type Failed,
  HOSTILE_ATTRIBUTE,
  HOSTILE_CAPTION,
  json,
  labelOf,
  lines,
  PICTURES,
  samplePicture,
  serveSmallCollection,
} from '../collection.js';
import { form, whitePng } from '../upload.js';

const UPLOAD_BYTES = 2_000_000;

const filtered = (filter: unknown) => new URLSearchParams({ filter: JSON.stringify(filter) }).toString();

/** A last update may say so, whatever else it says. */
const NO_MATCH = 'No picture here seems to match; these come nearest.';

describe('/v1/search', () => {
  const served = serveSmallCollection({ limits: { uploadBytes: UPLOAD_BYTES } });
  const get = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${served.url}/v1/search?${query}`, { headers });
  const post = (body: FormData | string, headers: Record<string, string> = {}) =>
    fetch(`${served.url}/v1/search`, { method: 'POST', body, headers });

  async function refuses(response: Response, status: number, code: string, message: RegExp): Promise<Failed> {
    const body = await json<Failed>(response);
    assert.deepEqual({ status: response.status, code: body.error.code }, { status, code }, body.error.message);
    assert.match(body.error.message, message);
    assert.deepEqual(Object.keys(body), ['error']);
    assert.deepEqual(Object.keys(body.error), ['code', 'message', 'hint']);
    return body;
  }

  describe('refuses', () => {
    const queries: [string, string, string, RegExp][] = [
      ['nothing to search for', '', 'INVALID_ARGUMENT', /exactly one of text, imageId/],
      ['two things at once', 'text=a&imageId=1', 'INVALID_ARGUMENT', /exactly one of text, imageId/],
      ['an empty text', 'text=', 'EMPTY_TEXT', /./],
      ['a text of spaces', 'text=%20%09', 'EMPTY_TEXT', /./],
      ['an unknown parameter', 'text=a&limit=3', 'INVALID_ARGUMENT', /unknown parameter "limit"/],
      ['too many hits', 'text=a&k=101', 'INVALID_ARGUMENT', /k: expected a whole number from 1 to 100/],
      ['too many candidates', 'text=a&candidates=1001', 'INVALID_ARGUMENT', /candidates: expected/],
      ['a repeated parameter', 'text=a&text=b', 'INVALID_ARGUMENT', /text: expected one text/],
      ['captions for a text', 'text=a&target=captions', 'INVALID_ARGUMENT', /target: /],
      [
        'an unknown source',
        'text=a&sources=titles',
        'INVALID_ARGUMENT',
        /^sources: expected nearest, captions or both/,
      ],
      ['the words of captions for an image', 'imageId=1&sources=captions', 'INVALID_ARGUMENT', /^sources should be/],
      ['a filter that is no JSON', 'text=a&filter=split%3Dtest', 'INVALID_ARGUMENT', /^filter: expected JSON/],
      ['a filter that is none', 'text=a&filter=%7B%7D', 'INVALID_ARGUMENT', /^filter has no condition/],
      ['two filters', 'text=a&filter=%7B%7D&filter=%7B%7D', 'INVALID_ARGUMENT', /^filter: expected an object/],
      [
        'a mistake within a filter',
        `text=a&${filtered({
          and: [
            { field: 'a', eq: 1 },
            { field: 'b', in: 'x' },
          ],
        })}`,
        'INVALID_ARGUMENT',
        /^filter\.and\[1\]\.in: expected an array/,
      ],
      ['a file name for an image', 'image=/etc/passwd', 'INVALID_ARGUMENT', /unknown parameter "image"/],
    ];
    for (const [name, query, code, message] of queries) {
      it(name, async () => void (await refuses(await get(query), 400, code, message)));
    }

    it('an image that is not there', async () => {
      await refuses(await get('imageId=4000000000'), 404, 'NOT_FOUND', /image 4000000000/);
    });
    it('other methods, naming those it has', async () => {
      const response = await fetch(`${served.url}/v1/search`, { method: 'DELETE' });
      assert.equal(response.headers.get('allow'), 'GET, POST');
      await refuses(response, 405, 'INVALID_ARGUMENT', /GET, POST/);
    });
    it('malformed JSON, without a stack', async () => {
      const response = await post('{"text": ', { 'content-type': 'application/json' });
      const { error } = await refuses(response, 400, 'INVALID_ARGUMENT', /could not be read/);
      assert.doesNotMatch(JSON.stringify(error), /node_modules|\.js:/);
    });
    it('JSON that is too long', async () => {
      const body = JSON.stringify({ text: 'a'.repeat(70_000) });
      await refuses(await post(body, { 'content-type': 'application/json' }), 413, 'INVALID_ARGUMENT', /too large/);
    });
    it('a body of another type', async () => {
      await refuses(await post('<a/>', { 'content-type': 'text/xml' }), 415, 'INVALID_ARGUMENT', /multipart/);
    });
    it('a form that is not one', async () => {
      const response = await post('nothing', { 'content-type': 'multipart/form-data' });
      await refuses(response, 400, 'INVALID_ARGUMENT', /form could not be read/);
    });
    it('a form that breaks off', async () => {
      const response = await post('--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc', {
        'content-type': 'multipart/form-data; boundary=x',
      });
      await refuses(response, 400, 'INVALID_ARGUMENT', /form could not be read/);
    });
    it('a form whose fields make lists of whatever length', async () => {
      const fields = new FormData();
      fields.append('text', 'a fox');
      fields.append('sources[4294967294]', 'nearest');
      await refuses(await post(fields), 400, 'INVALID_ARGUMENT', /nesting too deep/);
    });
    it('an upload of too many bytes', async () => {
      const response = await post(form(new Uint8Array(UPLOAD_BYTES + 1)));
      await refuses(response, 413, 'IMAGE_TOO_LARGE', /at most 2000000 bytes/);
    });
    it('an upload of few bytes and too many pixels', async () => {
      const bomb = whitePng(16_000);
      assert.ok(bomb.length < UPLOAD_BYTES);
      await refuses(await post(form(bomb)), 413, 'IMAGE_TOO_LARGE', /pixels/);
    });
    it('an upload that is no image, or only its first half', async () => {
      await refuses(await post(form(Buffer.from('<svg onload="alert(1)"/>'))), 415, 'IMAGE_UNREADABLE', /./);
      const whole = await readFile(fixture('preprocess', 'flickr_500x375.jpg'));
      await refuses(await post(form(whole.subarray(0, 300))), 415, 'IMAGE_UNREADABLE', /./);
      await refuses(await post(form(new Uint8Array(0))), 415, 'IMAGE_UNREADABLE', /./);
    });
    it('an upload whose name has a zero byte', async () => {
      const image = await readFile(fixture('preprocess', 'small_90x60.png'));
      await refuses(
        await post(form(image, {}, 'image', 'a\u0000.png')),
        400,
        'INVALID_ARGUMENT',
        /form could not be read/,
      );
    });
    it('an upload under another name, and a second one', async () => {
      const image = await readFile(fixture('preprocess', 'small_90x60.png'));
      await refuses(await post(form(image, {}, 'file')), 400, 'INVALID_ARGUMENT', /named image.*"file"/);
      const two = form(image);
      two.append('image', new Blob([Uint8Array.from(image)]), 'b.png');
      await refuses(await post(two), 400, 'INVALID_ARGUMENT', /one file/);
    });
  });

  it('answers a text with one final update, the picture with that caption first', async () => {
    const { captions } = await samplePicture(3);
    const response = await get(new URLSearchParams({ text: captions[0], k: '5' }).toString());
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const { stage, target, hits, spent } = await json<Answer>(response);
    assert.deepEqual(
      { stage, target, count: hits.length, pairs: spent.pairs },
      { stage: 'final', target: 'images', count: 5, pairs: PICTURES },
    );
    assert.deepEqual(hits[0].captions, captions);
    assert.ok(hits[0].matchProbability! > hits[4].matchProbability!);
  });

  it('gives each hit where its picture is', async () => {
    const { hits } = await json<Answer>(await get('text=a+fox&k=12'));
    assert.equal(hits.length, PICTURES);
    for (const { imageUrl, thumbnailUrl } of hits) {
      for (const address of [imageUrl, thumbnailUrl]) {
        const response = await fetch(served.url + address);
        assert.match(response.headers.get('content-type')!, /^image\//, address);
      }
    }
  });

  it('takes the longest text and filter, however many bytes a character takes', async () => {
    const text = '狐'.repeat(2_000);
    const filter = JSON.stringify({ field: 'author', in: Array.from({ length: 76 }, () => '狐'.repeat(100)) });
    assert.ok(filter.length > 7_800 && filter.length <= 8_000);
    const posted = await post(JSON.stringify({ text, filter: JSON.parse(filter) as object, rerankPairs: 0 }), {
      'content-type': 'application/json',
    });
    const fields = { text, filter, rerankPairs: '0' };
    const sent = new FormData();
    for (const [name, value] of Object.entries(fields)) sent.append(name, value);
    const answers = [posted, await get(new URLSearchParams(fields).toString()), await post(sent)];
    for (const answer of answers) assert.equal(answer.status, 200, await answer.text());
  });

  it('takes JSON as it takes parameters', async () => {
    const body = JSON.stringify({ text: 'a fox', k: 3, rerankPairs: 0 });
    const posted = await json<Answer>(await post(body, { 'content-type': 'application/json' }));
    const got = await json<Answer>(await get('text=a+fox&k=3&rerankPairs=0'));
    assert.deepEqual(posted.hits, got.hits);
    assert.equal(posted.spent.pairs, 0);
  });

  it('says what the source says of each picture, and what proposed it', async () => {
    const { hits, candidates } = await json<Answer>(await get('text=a+fox&k=12'));
    assert.equal(candidates, PICTURES);
    for (const { file, split, attributes, missing, sources } of hits) {
      assert.deepEqual({ split, attributes, missing }, { ...labelOf(file), missing: false });
      assert.ok(sources.includes('nearest'));
    }
    const byWords = await json<Answer>(await get('text=koala&sources=captions'));
    assert.ok(byWords.hits.length > 0 && byWords.hits.every(({ sources }) => sources.join() === 'captions'));
  });

  it('finds only what a filter lets through, in every direction, from a URL, JSON and a form alike', async () => {
    const filter = {
      and: [
        { field: 'split', eq: 'test' },
        { field: 'year', range: { gte: 2012 } },
      ],
    };
    const { hits, candidates } = await json<Answer>(await get(`text=a+fox&k=12&${filtered(filter)}`));
    assert.deepEqual(hits.map(({ file }) => file).sort(), ['scene-000002.jpg', 'scene-000006.jpg', 'scene-000010.jpg']);
    assert.equal(candidates, 3);
    const body = JSON.stringify({ text: 'a fox', k: 12, filter });
    const posted = await json<Answer>(await post(body, { 'content-type': 'application/json' }));
    assert.deepEqual(posted.hits, hits);
    const { file } = await samplePicture(5);
    for (const target of ['captions', 'images']) {
      const fields = { target, k: '100', filter: JSON.stringify(filter) };
      const found = await json<Answer>(await post(form(await readFile(file), fields)));
      assert.equal(found.hits.length, target === 'images' ? 3 : 15);
      assert.ok(found.hits.every(({ split, attributes }) => split === 'test' && attributes.year === 2012));
    }
  });

  it('takes a hostile field and a hostile value for what they are', async () => {
    const value = await json<Answer>(await get(`text=a&k=12&${filtered({ field: 'author', eq: HOSTILE_ATTRIBUTE })}`));
    assert.ok(value.hits.length > 0 && value.hits.every(({ attributes }) => attributes.author === HOSTILE_ATTRIBUTE));
    for (const field of [`author' OR '1'='1`, '"); DROP TABLE images; --', '$.author', 'author"', '__proto__']) {
      const { hits, notes } = await json<Answer>(await get(`text=a&${filtered({ field, exists: true })}`));
      assert.deepEqual([hits, notes], [[], []], field);
    }
  });

  for (const text of ['"', '*', 'NEAR(', 'a AND', '-fox', 'text:fox', '^fox', '(']) {
    it(`takes ${text} for a text as any other`, async () => {
      const response = await get(new URLSearchParams({ text }).toString());
      assert.equal(response.status, 200);
      const { hits, notes } = await json<Answer>(response);
      const note = 'Captions were not searched: The text has no words.';
      const ofCaptions = notes.filter((line) => !line.startsWith('The model does not know') && line !== NO_MATCH);
      assert.deepEqual([hits.length, ofCaptions], [10, /[a-z]/i.test(text) ? [] : [note]]);
    });
  }

  it('streams candidates, waves and the final order, a line each', async () => {
    const response = await get('text=two+foxes+at+night', { accept: 'application/x-ndjson' });
    assert.match(response.headers.get('content-type')!, /^application\/x-ndjson/);
    const updates = await lines<Answer>(response);
    const stages = updates.map(({ stage }) => stage);
    assert.deepEqual([stages[0], stages.at(-1)], ['nearest', 'final']);
    assert.ok(stages.length >= 3 && stages.slice(1, -1).every((stage) => stage === 'wave'), stages.join());
    const pairs = updates.map(({ spent }) => spent.pairs);
    assert.deepEqual(
      pairs,
      [...pairs].sort((a, b) => a - b),
    );
    assert.ok(updates[0].hits.every(({ matchScore }) => matchScore === null));
    assert.ok(updates.at(-1)!.hits.every(({ matchScore }) => matchScore !== null));
    const whole = await json<Answer>(await get('text=two+foxes+at+night'));
    assert.deepEqual(updates.at(-1)!.hits, whole.hits);
  });

  it('refuses a stream as it refuses one answer: with a status', async () => {
    const response = await get('text=', { accept: 'application/x-ndjson' });
    await refuses(response, 400, 'EMPTY_TEXT', /./);
  });

  it('says when a text was cut', async () => {
    const { notes } = await json<Answer>(await get(`text=${'fox+'.repeat(60)}`));
    assert.equal(notes.filter((line) => line !== NO_MATCH).length, 1);
  });

  it('names the words that the model does not know', async () => {
    const { unknownWords, notes } = await json<Answer>(await get('text=a+fox+and+a+zyzzyva'));
    assert.deepEqual(unknownWords, ['zyzzyva']);
    assert.deepEqual(
      notes.filter((line) => line !== NO_MATCH),
      ['The model does not know "zyzzyva".'],
    );
  });

  it('stops at the time a caller gives, and says so', async () => {
    const { spent } = await json<Answer>(await get('text=a+fox&rerankMilliseconds=0'));
    assert.deepEqual({ pairs: spent.pairs, cutShort: spent.cutShort }, { pairs: 0, cutShort: true });
  });

  it('finds the captions of an uploaded image, whatever its file is called', async () => {
    const { file, captions } = await samplePicture(5);
    const response = await post(form(await readFile(file), { k: '5' }, 'image', '../../../etc/passwd<script>.svg'));
    const { target, hits } = await json<Answer>(response);
    assert.equal(target, 'captions');
    assert.ok(captions.includes(hits[0].caption!), hits[0].caption);
    assert.equal(hits[0].captionId! > 0, true);
  });

  it('finds similar images, itself first, for an upload and for an image of the collection', async () => {
    const { file, captions } = await samplePicture(5);
    const uploaded = await json<Answer>(await post(form(await readFile(file), { target: 'images' })));
    assert.deepEqual(uploaded.hits[0].captions, captions);
    assert.ok(uploaded.hits[0].similarity! > 0.99);
    const { imageId } = uploaded.hits[0];
    const stored = await json<Answer>(await get(`imageId=${imageId}&target=images`));
    assert.deepEqual(
      stored.hits.map((hit) => hit.imageId),
      uploaded.hits.map((hit) => hit.imageId),
    );
  });

  it('gives a hostile caption back as it is, in JSON', async () => {
    const response = await get('text=a+fox&k=12');
    assert.match(response.headers.get('content-type')!, /^application\/json/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    const { hits } = await json<Answer>(response);
    assert.ok(hits.some(({ captions }) => captions!.includes(HOSTILE_CAPTION)));
  });

  it('logs requests without what was searched for', async () => {
    await get('text=unmistakable+words');
    const log = served.log.join('');
    assert.match(log, /"path":"\/v1\/search","status":200/);
    assert.doesNotMatch(log, /unmistakable/);
  });
});
