import type { Direction, Protocol, RecallName } from './names.js';

/** What a figure was read from: a paper by its arXiv id, or a page. */
export const SOURCES = {
  vilt: { title: 'ViLT', arXiv: '2102.03334' },
  vsepp: { title: 'VSE++', arXiv: '1707.05612' },
  scan: { title: 'SCAN', arXiv: '1803.08024' },
  vilbert: { title: 'ViLBERT', arXiv: '1908.02265' },
  uniter: { title: 'UNITER', arXiv: '1909.11740' },
  pixelbert: { title: 'Pixel-BERT', arXiv: '2004.00849' },
  oscar: { title: 'Oscar', arXiv: '2004.06165' },
  vinvl: { title: 'VinVL', arXiv: '2101.00529' },
  clip: { title: 'CLIP', arXiv: '2103.00020' },
  align: { title: 'ALIGN', arXiv: '2102.05918' },
  lightningdot: { title: 'LightningDOT', arXiv: '2103.08784' },
  albef: { title: 'ALBEF', arXiv: '2107.07651' },
  blip: { title: 'BLIP', arXiv: '2201.12086' },
  tag2text: { title: 'Tag2Text', arXiv: '2303.05657' },
  vinvlcode: { title: 'VinVL_MODEL_ZOO.md of github.com/microsoft/Oscar', arXiv: null },
  lightningdotcode: { title: 'README of github.com/intersun/LightningDOT', arXiv: null },
  leaderboard: { title: 'leaderboards of github.com/Paranioar/Awesome_Matching_Pretraining_Transfering', arXiv: null },
} as const;

export type Source = keyof typeof SOURCES;

/** How a model came to a dataset: not trained on it, trained on the other one, or trained on it. */
export type Setting = 'zero-shot' | 'fine-tuned on COCO' | 'fine-tuned';

/** R@1, R@5 and R@10, in percent; null where they are not known. */
export type PublishedRecalls = Record<RecallName, number | null>;

/** What a paper reports of one model on one protocol. */
export interface PublishedRow extends Record<Direction, PublishedRecalls> {
  protocol: Exclude<Protocol, 'whole-split'>;
  setting: Setting;
  model: string;
  /** Its paper, … */
  paper: Source;
  /** … and where the figures were read. */
  printed: { in: Source; where: string };
}

/** The rows that are measured by the protocol that a result is of: none for other data. */
export function publishedBeside(protocol: Protocol): PublishedRow[] {
  return PUBLISHED.filter((row) => row.protocol === protocol);
}

type Figures = readonly [number | null, number | null, number | null];
const NONE: Figures = [null, null, null];

/** Figures of a table: model, its paper, image → text, text → image. */
type Entry = readonly [string, Source, Figures, Figures];

function rows(
  table: Pick<PublishedRow, 'protocol' | 'setting'> & { in: Source; where: string },
  entries: readonly Entry[],
): PublishedRow[] {
  const recalls = ([one, five, ten]: Figures) => ({ 'R@1': one, 'R@5': five, 'R@10': ten });
  const { protocol, setting, in: source, where } = table;
  return entries.map(([model, paper, imageToText, textToImage]) => ({
    protocol,
    setting,
    model,
    paper,
    printed: { in: source, where },
    'image-to-text': recalls(imageToText),
    'text-to-image': recalls(textToImage),
  }));
}

const flickr = { protocol: 'flickr30k-1k', setting: 'fine-tuned' } as const;
const coco = { protocol: 'coco-5k', setting: 'fine-tuned' } as const;
const folds = { protocol: 'coco-1k-5fold', setting: 'fine-tuned' } as const;
const unseen = { setting: 'zero-shot' } as const;

/**
 * Recall tables of the literature. Nothing stands here that was not read in the source that it names: docs/published-results.md.
 */
export const PUBLISHED: readonly PublishedRow[] = [
  ...rows({ ...flickr, ...unseen, in: 'vilt', where: 'Table 3' }, [
    ['ViLT-B/32', 'vilt', [69.7, 91.0, 96.0], [51.3, 79.9, 87.9]],
    ['ViLT-B/32, 200K steps', 'vilt', [73.2, 93.6, 96.5], [55.0, 82.5, 89.8]],
    ['ViLBERT', 'vilbert', NONE, [31.9, 61.1, 72.8]],
    ['UNITER-Base', 'uniter', [80.7, 95.7, 98.0], [66.2, 88.4, 92.9]],
  ]),
  ...rows({ ...flickr, ...unseen, in: 'align', where: 'Table 1' }, [
    ['UNITER-Large', 'uniter', [83.6, 95.7, 97.7], [68.7, 89.2, 93.9]],
    ['CLIP (ViT-L/14@336px)', 'clip', [88.0, 98.7, 99.4], [68.7, 90.6, 95.2]],
    ['ALIGN', 'align', [88.6, 98.7, 99.7], [75.7, 93.8, 96.8]],
  ]),
  ...rows({ ...flickr, ...unseen, in: 'lightningdotcode', where: 'Evaluation' }, [
    ['LightningDOT', 'lightningdot', [68.2, 89.1, 94.0], [53.3, 80.6, 88.0]],
  ]),
  ...rows({ ...flickr, setting: 'fine-tuned on COCO', in: 'blip', where: 'Table 6' }, [
    ['ALBEF, 14M', 'albef', [94.1, 99.5, 99.7], [82.8, 96.3, 98.1]],
    ['BLIP, 14M', 'blip', [94.8, 99.7, 100.0], [84.9, 96.7, 98.3]],
    ['BLIP CapFilt-L, 129M', 'blip', [96.0, 99.9, 100.0], [85.5, 96.8, 98.7]],
    ['BLIP ViT-L, 129M', 'blip', [96.7, 100.0, 100.0], [86.7, 97.3, 98.7]],
  ]),
  ...rows({ ...flickr, in: 'vilt', where: 'Table 4' }, [
    ['ViLT-B/32', 'vilt', [81.4, 95.6, 97.6], [61.9, 86.8, 92.8]],
    ['ViLT-B/32, augmented', 'vilt', [83.7, 97.2, 98.1], [62.2, 87.6, 93.2]],
    ['ViLT-B/32, augmented, 200K steps', 'vilt', [83.5, 96.7, 98.6], [64.4, 88.7, 93.8]],
    ['SCAN, two models', 'scan', [67.4, 90.3, 95.8], [48.6, 77.7, 85.2]],
    ['ViLBERT-Base', 'vilbert', NONE, [58.2, 84.9, 91.5]],
    ['UNITER-Base', 'uniter', [85.9, 97.1, 98.8], [72.5, 92.4, 96.1]],
    ['Pixel-BERT-R50', 'pixelbert', [75.7, 94.7, 97.1], [53.4, 80.4, 88.5]],
    ['Pixel-BERT-X152', 'pixelbert', [87.0, 98.9, 99.5], [71.5, 92.1, 95.8]],
  ]),
  ...rows({ ...flickr, in: 'leaderboard', where: 'Flickr30K' }, [
    ['VSE++ (ResNet)', 'vsepp', [52.9, 80.5, 87.2], [39.6, 70.1, 79.5]],
  ]),
  ...rows({ ...flickr, in: 'lightningdotcode', where: 'Evaluation' }, [
    ['LightningDOT', 'lightningdot', [83.9, 97.2, 98.6], [69.9, 91.1, 95.2]],
  ]),
  ...rows({ ...flickr, in: 'blip', where: 'Table 5' }, [
    ['UNITER-Large', 'uniter', [87.3, 98.0, 99.2], [75.6, 94.1, 96.8]],
    ['ALIGN', 'align', [95.3, 99.8, 100.0], [84.9, 97.4, 98.6]],
    ['ALBEF, 14M', 'albef', [95.9, 99.8, 100.0], [85.6, 97.5, 98.9]],
    ['BLIP, 14M', 'blip', [96.6, 99.8, 100.0], [87.2, 97.5, 98.8]],
    ['BLIP CapFilt-L, 129M', 'blip', [97.2, 99.9, 100.0], [87.5, 97.7, 98.9]],
    ['BLIP ViT-L, 129M', 'blip', [97.4, 99.8, 99.9], [87.6, 97.7, 99.0]],
  ]),
  ...rows({ ...flickr, in: 'tag2text', where: 'Table 4' }, [
    ['ALBEF, 4M', 'albef', [94.3, 99.4, 99.8], [82.8, 96.7, 98.4]],
  ]),

  ...rows({ ...coco, ...unseen, in: 'vilt', where: 'Table 3' }, [
    ['ViLT-B/32', 'vilt', [53.4, 80.7, 88.8], [37.3, 67.4, 79.0]],
    ['ViLT-B/32, 200K steps', 'vilt', [56.5, 82.6, 89.6], [40.4, 70.0, 81.1]],
  ]),
  ...rows({ ...coco, ...unseen, in: 'align', where: 'Table 1' }, [
    ['CLIP (ViT-L/14@336px)', 'clip', [58.4, 81.5, 88.1], [37.8, 62.4, 72.2]],
    ['ALIGN', 'align', [58.6, 83.0, 89.7], [45.6, 69.8, 78.6]],
  ]),
  ...rows({ ...coco, in: 'vilt', where: 'Table 4' }, [
    ['ViLT-B/32', 'vilt', [61.8, 86.2, 92.6], [41.3, 72.0, 82.5]],
    ['ViLT-B/32, augmented', 'vilt', [62.9, 87.1, 92.7], [42.6, 72.8, 83.4]],
    ['ViLT-B/32, augmented, 200K steps', 'vilt', [61.5, 86.3, 92.7], [42.7, 72.9, 83.1]],
    ['SCAN, two models', 'scan', [50.4, 82.2, 90.0], [38.6, 69.3, 80.4]],
    ['UNITER-Base', 'uniter', [64.4, 87.4, 93.1], [50.3, 78.5, 87.2]],
    ['Pixel-BERT-R50', 'pixelbert', [59.8, 85.5, 91.6], [41.1, 69.7, 80.5]],
    ['Pixel-BERT-X152', 'pixelbert', [63.6, 87.5, 93.6], [50.1, 77.6, 86.2]],
    ['OSCAR-Base', 'oscar', [70.0, 91.1, 95.5], [54.0, 80.8, 88.5]],
    ['VinVL-Base', 'vinvl', [74.6, 92.6, 96.3], [58.1, 83.2, 90.1]],
  ]),
  ...rows({ ...coco, in: 'leaderboard', where: 'MSCOCO 5K' }, [
    ['VSE++ (ResNet)', 'vsepp', [41.3, 71.1, 81.2], [30.3, 59.4, 72.4]],
  ]),
  ...rows({ ...coco, in: 'lightningdotcode', where: 'Evaluation' }, [
    ['LightningDOT', 'lightningdot', [60.0, 85.2, 91.7], [45.8, 74.5, 83.8]],
  ]),
  ...rows({ ...coco, in: 'align', where: 'Table 1' }, [
    ['OSCAR-Large', 'oscar', [73.5, 92.2, 96.0], [57.5, 82.8, 89.8]],
  ]),
  ...rows({ ...coco, in: 'vinvlcode', where: 'Performance' }, [
    ['VinVL-Large', 'vinvl', [75.4, 92.9, null], [58.8, 83.5, null]],
  ]),
  ...rows({ ...coco, in: 'blip', where: 'Table 5' }, [
    ['UNITER-Large', 'uniter', [65.7, 88.6, 93.8], [52.9, 79.9, 88.0]],
    ['ALIGN', 'align', [77.0, 93.5, 96.9], [59.9, 83.3, 89.8]],
    ['ALBEF, 14M', 'albef', [77.6, 94.3, 97.2], [60.7, 84.3, 90.5]],
    ['BLIP, 14M', 'blip', [80.6, 95.2, 97.6], [63.1, 85.3, 91.1]],
    ['BLIP CapFilt-L, 129M', 'blip', [81.2, 95.7, 97.9], [64.1, 85.8, 91.6]],
    ['BLIP ViT-L, 129M', 'blip', [82.4, 95.4, 97.9], [65.1, 86.3, 91.8]],
  ]),
  ...rows({ ...coco, in: 'tag2text', where: 'Table 4' }, [
    ['ALBEF, 4M', 'albef', [73.1, 91.4, 96.0], [56.8, 81.5, 89.2]],
  ]),

  ...rows({ ...folds, in: 'leaderboard', where: 'MSCOCO 1K' }, [
    ['VSE++ (ResNet)', 'vsepp', [64.6, 90.0, 95.7], [52.0, 84.3, 92.0]],
    ['SCAN, two models', 'scan', [72.7, 94.8, 98.4], [58.8, 88.4, 94.8]],
  ]),
];
