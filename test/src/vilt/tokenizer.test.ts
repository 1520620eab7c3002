import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BUNDLED_VOCABULARY } from '../../../src/paths.js';
import { loadTokenizer } from '../../../src/vilt/tokenizer.js';
import { fixture, temporaryFolder } from '../../fixture.js';

const WHOLE = { maxLength: Infinity };

describe('loadTokenizer', () => {
  const folder = temporaryFolder();
  const make = (name: string, files: Record<string, string>) => {
    const made = path.join(folder.path, name);
    mkdirSync(made, { recursive: true });
    for (const [file, content] of Object.entries(files)) writeFileSync(path.join(made, file), content);
    return made;
  };
  const definition = readFileSync(fixture('tiny-vilt-end-to-end', 'tokenizer.json'), 'utf8');
  const vocabulary = readFileSync(fixture('tiny-vilt-end-to-end', 'vocab.txt'), 'utf8');
  const edited = (edit: (definition: Record<string, never>) => void) => {
    const copy = JSON.parse(definition) as Record<string, never>;
    edit(copy);
    return JSON.stringify(copy);
  };

  const broken: Record<string, [Record<string, string>, RegExp]> = {
    'a tokenizer.json cut short': [{ 'tokenizer.json': definition.slice(0, 500) }, /tokenizer\.json does not define/],
    'a tokenizer.json of another kind': [{ 'tokenizer.json': '[]' }, /tokenizer\.json does not define/],
    'a tokenizer of another model': [
      { 'tokenizer.json': edited((it) => Object.assign(it.model, { type: 'BPE' })) },
      /tokenizer\.json does not define a BERT tokenizer: .*"WordPiece".*model\.type/,
    ],
    'an absurd id': [
      { 'tokenizer.json': edited((it) => Object.assign((it.model as { vocab: object }).vocab, { dog: 4e9 })) },
      /vocab\.dog/,
    ],
    'no [CLS] and [SEP] around a text': [
      { 'tokenizer.json': edited((it) => Object.assign(it, { post_processor: null })) },
      /does not put \[CLS\] before a text/,
    ],
    'a tokenizer_config.json that is not JSON': [
      { 'tokenizer.json': definition, 'tokenizer_config.json': '{' },
      /tokenizer_config\.json does not define/,
    ],
    'a vocabulary without special tokens': [
      { 'vocab.txt': 'dog\ncat\n' },
      /vocab\.txt .* it has no \[UNK\], \[CLS\], \[SEP\]/,
    ],
    'an empty vocabulary': [{ 'vocab.txt': '' }, /vocab\.txt .* it has no \[UNK\]/],
  };
  for (const [what, [files, message]] of Object.entries(broken)) {
    it(`names the file at fault: ${what}`, () => {
      const made = make(what, files);
      assert.throws(() => loadTokenizer(made), { code: 'MODEL_INCOMPLETE', message });
    });
  }

  it('names a vocabulary that cannot be read', () => {
    const made = make('unreadable', {});
    mkdirSync(path.join(made, 'vocab.txt'));
    assert.throws(() => loadTokenizer(made), { code: 'MODEL_INCOMPLETE', message: /vocab\.txt/ });
  });

  it('reads tokenizer.json and vocab.txt to the same effect', () => {
    const texts = ['A red fox, two dogs', 'fox [MASK] 3 ünd', '', 'qqq'];
    const [json, txt] = [make('json', { 'tokenizer.json': definition }), make('txt', { 'vocab.txt': vocabulary })].map(
      loadTokenizer,
    );
    for (const text of texts) assert.deepEqual(json.encode(text, WHOLE), txt.encode(text, WHOLE));
    for (const property of ['vocabularySize', 'maskId', 'unknownId'] as const)
      assert.equal(json[property], txt[property]);
    assert.equal(json.vocabularySize, vocabulary.trimEnd().split('\n').length);
  });

  it('reads a vocab.txt with Windows line ends', () => {
    const made = make('windows', { 'vocab.txt': vocabulary.replaceAll('\n', '\r\n') });
    assert.deepEqual(
      loadTokenizer(made).encode('a fox', WHOLE),
      loadTokenizer(make('txt', { 'vocab.txt': vocabulary })).encode('a fox', WHOLE),
    );
  });

  it('does as tokenizer_config.json says, whatever file holds the vocabulary', () => {
    const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'e', 'E', 'é', '犬', '猫', '犬猫'];
    const files = { 'vocab.txt': tokens.join('\n') };
    const encode = (name: string, config?: object) => {
      const made = make(name, { ...files, ...(config && { 'tokenizer_config.json': JSON.stringify(config) }) });
      return loadTokenizer(made).encode('E é 犬猫', WHOLE).tokens.slice(1, -1).join(' ');
    };
    assert.equal(encode('default'), 'e e 犬 猫');
    assert.equal(encode('nothing', { strip_accents: null }), 'e e 犬 猫');
    assert.equal(encode('cased', { do_lower_case: false }), 'E é 犬 猫');
    assert.equal(encode('accents', { strip_accents: false }), 'e é 犬 猫');
    assert.equal(encode('stripped', { do_lower_case: false, strip_accents: true }), 'E e 犬 猫');
    assert.equal(encode('joined', { tokenize_chinese_chars: false }), 'e e 犬猫');
    const cased = make('cased json', {
      'tokenizer.json': definition,
      'tokenizer_config.json': '{"do_lower_case":false}',
    });
    assert.deepEqual(loadTokenizer(cased).encode('FOX', WHOLE).tokens, ['[CLS]', '[UNK]', '[SEP]']);
  });

  it('falls back on the vocabulary of bert-base-uncased', () => {
    const tokenizer = loadTokenizer(make('nothing at all', {}));
    assert.equal(tokenizer.vocabularySize, 30_522);
    assert.equal(tokenizer.unknownId, 100);
    assert.equal(tokenizer.maskId, 103);
    assert.equal(tokenizer.token(3899), 'dog');
    assert.equal(tokenizer.token(30_522), '[UNK]');
  });

  it('knows a vocabulary without [MASK]', () => {
    const made = make('maskless', { 'vocab.txt': '[UNK]\n[CLS]\n[SEP]\ndog\n' });
    assert.equal(loadTokenizer(made).maskId, undefined);
    assert.deepEqual(loadTokenizer(made).encode('dog', WHOLE).ids, [1, 3, 2]);
  });
});

describe('Tokenizer', () => {
  const folder = temporaryFolder();
  let tokenizer: ReturnType<typeof loadTokenizer>;
  before(() => {
    copyFileSync(BUNDLED_VOCABULARY, path.join(folder.path, 'vocab.txt'));
    tokenizer = loadTokenizer(folder.path);
  });

  it('gives the ids of the reference, whole and cut at 40', () => {
    const cases = JSON.parse(readFileSync(fixture('tokenizer', 'cases.json'), 'utf8')) as {
      text: string;
      ids: number[];
      ids_max40: number[];
    }[];
    assert.ok(cases.length > 100);
    for (const { text, ids, ids_max40: cut } of cases) {
      assert.deepEqual(tokenizer.encode(text, WHOLE).ids, ids, text);
      const encoding = tokenizer.encode(text, { maxLength: 40 });
      assert.deepEqual(encoding.ids, cut, text);
      assert.equal(encoding.truncated, ids.length > 40, text);
      assert.deepEqual(encoding.tokens.map((_, i) => tokenizer.token(encoding.ids[i])), encoding.tokens); // prettier-ignore
    }
  });

  it('gives [CLS] and [SEP] alone where there are no words', () => {
    for (const text of ['', ' \n\t', '\u200b\u0301\0']) {
      assert.deepEqual(tokenizer.encode(text, { maxLength: 40 }), {
        ids: [101, 102],
        tokens: ['[CLS]', '[SEP]'],
        truncated: false,
      });
    }
  });

  it('tells which words it cannot spell, as they are written', () => {
    const pruned = path.join(folder.path, 'pruned');
    mkdirSync(pruned);
    writeFileSync(path.join(pruned, 'vocab.txt'), '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nred\nfox\n##es\n-\n,\n');
    const few = loadTokenizer(pruned);
    const unknown = (text: string, maxLength = 40) => few.unknownWords(text, few.encode(text, { maxLength }));
    const cases: [string, string[]][] = [
      ['', []],
      ['a RED fox, foxes [MASK]', []],
      ['a Xylophone', ['Xylophone']],
      ['a zebra-fox, a zebra and (a “lute”)!', ['zebra', 'and', 'lute']],
      ['fox !?', []], // stops, though it cannot spell them
      ['🦊 狐狸 foxy naïve', ['🦊', '狐', '狸', 'foxy', 'naïve']], // Han characters are words
      ['<img src=x onerror="alert(1)">', ['img', 'src', 'x', 'onerror', 'alert', '1']],
      ['x'.repeat(300), ['x'.repeat(300)]],
      ['__proto__ constructor', ['proto', 'constructor']],
    ];
    for (const [text, expected] of cases) assert.deepEqual(unknown(text), expected, text);
    // What is cut off is not read at all.
    assert.deepEqual(unknown('fox zebra lute', 4), ['zebra']);
    assert.deepEqual(unknown(`${'fox '.repeat(60)}zebra`), []);
    // Nor is it looked at: this would take half a minute.
    const long = '☃.'.repeat(300_000);
    assert.deepEqual(tokenizer.unknownWords(long, tokenizer.encode(long, { maxLength: 40 })), ['☃']);
    assert.deepEqual(tokenizer.unknownWords('一龘𠀀和', tokenizer.encode('一龘𠀀和', WHOLE)), ['龘', '𠀀']);
    for (const text of ['an armadillo plays the xylophone', 'naïve', 'ΟΔΟΣ'])
      assert.deepEqual(tokenizer.unknownWords(text, tokenizer.encode(text, WHOLE)), [], text);
  });

  it('keeps [SEP] last at any length', () => {
    for (const maxLength of [2, 3, 5]) {
      const { ids, tokens, truncated } = tokenizer.encode('one two three four', { maxLength });
      assert.deepEqual(tokens, ['[CLS]', ...['one', 'two', 'three'].slice(0, maxLength - 2), '[SEP]']);
      assert.equal(ids.at(-1), 102);
      assert.ok(truncated);
    }
    assert.equal(tokenizer.encode('one two three four', { maxLength: 6 }).truncated, false);
  });

  it('reads capitals of Greek and rare Han characters as the reference does', () => {
    const pieces = (text: string) => tokenizer.encode(text, WHOLE).tokens.slice(1, -1).join(' ');
    assert.equal(pieces('ΟΔΟΣ. οδος'), 'ο ##δ ##ο ##σ . ο ##δ ##ος');
    assert.equal(pieces('𠀀𠀁 dog'), '[UNK] [UNK] dog');
  });

  it('reads hostile names as words', () => {
    for (const text of ['__proto__', 'constructor', 'hasOwnProperty', '\ud800 lone', '[CLS', 'a'.repeat(101)]) {
      const { ids } = tokenizer.encode(text, { maxLength: 40 });
      assert.ok(ids.length > 2 && ids.every((id) => Number.isInteger(id) && id >= 0 && id < 30_522), text);
    }
  });

  it('cuts a long text without changing a token', () => {
    const words = [
      'a',
      'two',
      'giraffes',
      'mid-air',
      '日本',
      'ΟΔΟΣ',
      'é\u0301',
      '[MASK]',
      '[SEP]',
      '...',
      '\u200b',
      '🐶',
      'x'.repeat(700),
    ];
    let state = 7;
    const random = (n: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n;
    for (let i = 0; i < 8; i++) {
      const text = Array.from({ length: 900 }, () => words[random(words.length)] + ['', ' ', '\n'][random(3)]).join('');
      const whole = tokenizer.encode(text, WHOLE);
      assert.ok(text.length > 4096 && !whole.truncated);
      for (const maxLength of [3, 40, 500, whole.ids.length - 1, whole.ids.length]) {
        const { ids, truncated } = tokenizer.encode(text, { maxLength });
        assert.deepEqual(ids, [...whole.ids.slice(0, maxLength - 1), 102]);
        assert.equal(truncated, maxLength < whole.ids.length);
      }
    }
  });

  it('is not held up by megabytes', () => {
    const hostile = {
      'a man riding a wave ': 38,
      '.': 38,
      日: 38,
      [`${'x'.repeat(99)} `]: 38,
      x: 1,
      ' ': 0,
      '\u200b': 0,
    };
    for (const [piece, words] of Object.entries(hostile)) {
      const { ids, truncated } = tokenizer.encode(piece.repeat(1e6 / piece.length), { maxLength: 40 });
      assert.equal(ids.length, words + 2);
      assert.equal(truncated, words === 38);
    }
  });
});
