import * as library from '@huggingface/tokenizers';
import { invalidTokenizer, readDefinition, type Definition } from './vocabulary.js';

/** A text as the model reads it. */
export interface Encoding {
  /** [CLS], word pieces, [SEP] */
  ids: number[];
  tokens: string[];
  /** The text had more tokens than asked for, and was cut. */
  truncated: boolean;
}

/** What is used of the library, whose own types Node's module resolution does not find. */
interface LibraryTokenizer {
  encode(text: string): { ids: number[]; tokens: string[] };
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_vocab(): Map<string, number>;
}
const LibraryTokenizer = library.Tokenizer as new (definition: object, config: object) => LibraryTokenizer;

/** How much of a long text is tokenized first, in UTF-16 units: many times what 40 tokens take. */
const FIRST_PART = 2048;

/** What ends a word wherever it stands, so that a text may be cut before it. */
const WORD_END = /[\s.,;:!?\u3400-\u9fff]/g;

/**
 * Where BERT begins a new word: beside punctuation, characters of ASCII that are no letters, digits or controls, and Han
 * characters.
 */
const WORD_BREAK =
  /([\p{P}!-/:-@[-`{-~\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}])/u;

/** What is longer is read in parts, in UTF-16 units: of a word, its beginning tells that it is unknown. */
const LONG_WORD = 1000;

/** A pictogram counts as a word, a stop that the vocabulary lacks does not. */
const IS_WORD = /[^\p{P}!-/:-@[-`{-~]/u;

/** Han characters beyond 16 bits, which BERT reads one by one like the others. */
const RARE_HAN = /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/** BERT's WordPiece tokenizer. */
export class Tokenizer {
  /** One more than the highest id. */
  readonly vocabularySize: number;
  readonly unknownId: number;
  /** Undefined where the vocabulary has no [MASK]. */
  readonly maskId: number | undefined;
  private readonly library: LibraryTokenizer;

  /** @throws Error where the definition is not whole */
  constructor(private readonly definition: Definition) {
    this.library = new LibraryTokenizer(definition, {});
    const missing = ['[UNK]', '[CLS]', '[SEP]'].filter((token) => this.library.token_to_id(token) === undefined);
    if (missing.length > 0) throw new Error(`it has no ${missing.join(', ')}`);
    const { tokens } = this.library.encode('');
    if (tokens.join('') !== '[CLS][SEP]') throw new Error('it does not put [CLS] before a text and [SEP] after it');
    this.unknownId = this.library.token_to_id('[UNK]')!;
    this.maskId = this.library.token_to_id('[MASK]');
    this.vocabularySize = [...this.library.get_vocab().values()].reduce((size, id) => Math.max(size, id + 1), 0);
  }

  /**
   * Token ids of a text, at most `maxLength`, [CLS] and [SEP] included; these two alone where the text has no words.
   * Special tokens written out in the text, such as [MASK], count as such.
   */
  encode(text: string, { maxLength }: { maxLength: number }): Encoding {
    // Ever longer parts of a long text, until one has all the tokens that are asked for.
    for (let length = FIRST_PART; ; length *= 4) {
      const part = cutAtWord(text, length);
      const { ids, tokens } = this.library.encode(this.mend(part));
      const excess = ids.length - maxLength;
      if (excess > 0) for (const row of [ids, tokens]) row.splice(maxLength - 1, excess); // all before [SEP]
      if (excess > 0 || part.length === text.length) return { ids, tokens, truncated: excess > 0 };
    }
  }

  /**
   * The words of a text that the vocabulary cannot spell, each once, as they are written; those alone that the model reads.
   *
   * @param encoding of the text
   */
  unknownWords(text: string, encoding: Encoding): string[] {
    if (!encoding.ids.includes(this.unknownId)) return [];
    const read = (part: string) => this.library.encode(this.mend(part.slice(0, LONG_WORD))).ids.slice(1, -1);
    const unknown = new Set<string>();
    let left = encoding.ids.length - 2;
    for (const [written] of text.matchAll(/\S+/g)) {
      // Known as a whole, it is not taken apart: special tokens are written with brackets.
      const isKnown = written.length <= LONG_WORD && !read(written).includes(this.unknownId);
      for (const part of isKnown ? [written] : written.split(WORD_BREAK)) {
        if (left <= 0) return [...unknown];
        const ids = read(part);
        if (ids.includes(this.unknownId) && IS_WORD.test(part)) unknown.add(part);
        left -= ids.length;
      }
    }
    return [...unknown];
  }

  /** The word piece of an id: "dog", "##s". */
  token(id: number): string {
    return this.library.id_to_token(id) ?? '[UNK]';
  }

  /** Undoes where the library departs from BERT: it lowercases a final Σ to ς, and joins rare Han characters. */
  private mend(text: string): string {
    const { lowercase, handle_chinese_chars: splitHan } = this.definition.normalizer;
    const mended = lowercase ? text.replaceAll('Σ', 'σ') : text;
    return splitHan ? mended.replace(RARE_HAN, ' $& ') : mended;
  }
}

/**
 * The tokenizer of a model folder: its tokenizer.json, else its vocab.txt, else the bert-base-uncased vocabulary.
 *
 * @throws PatchwordError MODEL_INCOMPLETE that names the file
 */
export function loadTokenizer(folder: string): Tokenizer {
  const { definition, file } = readDefinition(folder);
  try {
    return new Tokenizer(definition);
  } catch (error) {
    throw invalidTokenizer(file, error);
  }
}

/** The start of a text, of about this length, that ends where a word does. */
function cutAtWord(text: string, length: number): string {
  WORD_END.lastIndex = length;
  const end = WORD_END.exec(text);
  return end ? text.slice(0, end.index) : text;
}
