import type { Command } from 'commander';
import type { CollectionBytes } from '../../../src/store/sqlite/folders.js';
import type { RecallReport, TargetRecall } from '../../../src/store/sqlite/indexes.js';
import type { CollectionModel, CollectionStatistics, Source } from '../../../src/store/store.js';
import type { PrefilterInfo } from '../../../src/vilt/inspection.js';
import type { GlobalOptions } from '../../options.js';
import { printResult } from '../../output.js';
import { describeBytes, describeCount, formatTable } from '../../text.js';

interface Info extends Omit<CollectionStatistics, 'bytes'> {
  name: string;
  folder: string;
  images: number;
  captions: number;
  model: CollectionModel & {
    /** Where its embeddings come from; null where the model is not there to be asked. */
    prefilter: PrefilterInfo['source'] | null;
  };
  sources: Omit<Source, 'options'>[];
  bytes: CollectionBytes;
  recall: RecallReport;
}

export function addInfoCommand(collection: Command): void {
  const command = collection
    .command('info')
    .description('show what a collection holds, and how well its vectors are found')
    .argument('<name>', 'the collection');
  command.action(async (name: string) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { withCollection } = await import('../../opening.js');
    const { measureCollection } = await import('../../../src/store/sqlite/folders.js');
    const info = await withCollection({ ...options, collection: name }, async (store): Promise<Info> => {
      const [{ folder, model, images, captions }, statistics, sources] = await Promise.all([
        store.info(),
        store.statistics(),
        store.sources(),
      ]);
      return {
        ...{ name, folder, images, captions, ...statistics },
        model: { ...model, prefilter: await findPrefilter(model) },
        sources: sources.map(({ options: _, ...source }) => source),
        recall: await store.measureRecall(),
        bytes: await measureCollection(folder),
      };
    });
    printResult(info, options, describe);
  });
}

async function findPrefilter(model: CollectionModel): Promise<PrefilterInfo['source'] | null> {
  const { locateModel } = await import('../../../src/engine.js');
  const { inspectModel } = await import('../../../src/vilt/inspection.js');
  try {
    const { hash, prefilter } = await inspectModel(locateModel(model));
    return hash === model.hash && prefilter?.hash === model.prefilterHash ? prefilter.source : null;
  } catch {
    return null; // Moved, or replaced: what uses it says so.
  }
}

function describe(info: Info): string {
  const { model, recall, bytes } = info;
  const total = Object.values<number>({ ...bytes }).reduce((sum, part) => sum + part, 0);
  const prefilter = {
    checkpoint: 'trained with the checkpoint',
    fit: 'fitted',
    none: 'not known: the model is not where it was, or has changed',
  }[model.prefilter ?? 'none'];
  return formatTable([
    ['collection', `${info.name}, in ${info.folder}`],
    ['images', `${info.images} in ${describeCount(info.files, 'file')}, ${info.missing} of them missing`],
    ['captions', `${info.captions}`],
    ['', describeRest(info)],
    ...info.sources.map(({ path, format, files }, at) => [
      at === 0 ? 'sources' : '',
      `${path}${format === '' ? '' : ` (${format})`}: ${describeCount(files, 'file')}`,
    ]),
    ['model', `${model.path} (sha256 ${model.hash})`],
    ['prefilter', `${prefilter}, ${model.dimension} dimensions`],
    ['recall@100', `images ${describeRecall(recall.images)}; captions ${describeRecall(recall.captions)}`],
    ['on disk', `${describeBytes(total)}: ${describeParts(bytes)}`],
  ]);
}

function describeRest({ quarantined, removed, nearDuplicates }: Info): string {
  return [
    `${describeCount(quarantined, 'entry', 'entries')} in quarantine`,
    `${describeCount(removed, 'image')} removed`,
    describeCount(nearDuplicates, 'pair of near duplicates', 'pairs of near duplicates'),
  ].join(', ');
}

function describeRecall({ recall, exact }: TargetRecall): string {
  if (exact) return 'exact';
  return recall === null
    ? 'not measured: the vectors change'
    : `${(100 * recall).toFixed(1)} % of what exact search finds`;
}

function describeParts(bytes: CollectionBytes): string {
  const names: Record<keyof CollectionBytes, string> = {
    catalog: 'catalog',
    pictures: 'pictures',
    vectors: 'vectors',
    modelInputs: 'model inputs',
    thumbnails: 'thumbnails',
    reindex: 'unfinished reindex',
    other: 'other',
  };
  const parts = Object.entries(bytes) as [keyof CollectionBytes, number][];
  return parts
    .filter(([, size]) => size > 0)
    .map(([part, size]) => `${names[part]} ${describeBytes(size)}`)
    .join(', ');
}
