import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { messageOf, PatchwordError } from '../errors.js';
import { BUNDLED_VOCABULARY } from '../paths.js';

/** Beyond any vocabulary; the library holds an array up to the highest id. */
const MAX_ID = 10_000_000;

/** What of tokenizer.json is looked at here; all of it is for @huggingface/tokenizers. */
const definitionSchema = z.looseObject({
  model: z.looseObject({
    type: z.literal('WordPiece'),
    vocab: z.record(z.string(), z.int().nonnegative().max(MAX_ID)),
  }),
  normalizer: z.looseObject({
    type: z.literal('BertNormalizer'),
    lowercase: z.boolean().default(true),
    strip_accents: z.boolean().nullish(),
    handle_chinese_chars: z.boolean().default(true),
  }),
});

/** What of tokenizer_config.json concerns a BERT tokenizer. It wins over tokenizer.json, as in the reference. */
const configSchema = z.looseObject({
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
});

/** A BERT tokenizer in the terms of tokenizer.json. */
export type Definition = z.infer<typeof definitionSchema>;

/**
 * The tokenizer that a model folder defines: in tokenizer.json, else by its vocab.txt, either under its
 * tokenizer_config.json. With neither, by the vocabulary of bert-base-uncased, with which ViLT was trained.
 *
 * @returns the definition, and the file that it came from
 * @throws PatchwordError MODEL_INCOMPLETE that names the file
 */
export function readDefinition(folder: string): { definition: Definition; file: string } {
  const config = readJson(path.join(folder, 'tokenizer_config.json'), configSchema) ?? {};
  const { definition, file } = findDefinition(folder);
  const { normalizer } = definition;
  normalizer.lowercase = config.do_lower_case ?? normalizer.lowercase;
  normalizer.strip_accents = config.strip_accents ?? normalizer.strip_accents;
  normalizer.handle_chinese_chars = config.tokenize_chinese_chars ?? normalizer.handle_chinese_chars;
  return { definition, file };
}

export function invalidTokenizer(file: string, cause: unknown): PatchwordError {
  const reason = cause instanceof z.ZodError ? z.prettifyError(cause).replace(/\s+/g, ' ') : messageOf(cause);
  return new PatchwordError('MODEL_INCOMPLETE', `${file} does not define a BERT tokenizer: ${reason}.`, {
    hint: 'Copy it again from where the checkpoint came from.',
    cause,
  });
}

function findDefinition(folder: string): { definition: Definition; file: string } {
  const file = path.join(folder, 'tokenizer.json');
  const definition = readJson(file, definitionSchema);
  if (definition) return { definition, file };
  for (const file of [path.join(folder, 'vocab.txt'), BUNDLED_VOCABULARY]) {
    const vocabulary = readText(file);
    if (vocabulary !== undefined) return { definition: bertDefinition(vocabulary), file };
  }
  throw invalidTokenizer(BUNDLED_VOCABULARY, 'it is not there');
}

/** @param vocabulary one token a line, in the order of their ids */
function bertDefinition(vocabulary: string): Definition {
  const tokens = vocabulary.replace(/\r?\n$/, '').split(/\r?\n/);
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].filter((token) => Object.hasOwn(vocab, token));
  return {
    added_tokens: special.map((content) => ({ id: vocab[content], content, special: true, normalized: false })),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    model: {
      type: 'WordPiece',
      vocab,
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '[CLS]' } }, { Sequence: { id: 'A' } }, { SpecialToken: { id: '[SEP]' } }],
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  };
}

function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw invalidTokenizer(file, error);
  }
}

/** Undefined where there is no such file. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw invalidTokenizer(file, error);
  }
}
