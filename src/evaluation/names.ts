export const DIRECTIONS = ['text-to-image', 'image-to-text'] as const;
export const STAGES = ['prefilter', 'two-stage', 'exhaustive'] as const;
/** What a ranking is ordered by: the prefilter's cosine, the match score alone (the paper's), or both, calibrated. */
export const ORDERS = ['similarity', 'matchScore', 'calibrated'] as const;
export const RECALLS = ['R@1', 'R@5', 'R@10'] as const;
export const PROTOCOLS = ['whole-split', 'flickr30k-1k', 'coco-5k', 'coco-1k-5fold'] as const;

export type Direction = (typeof DIRECTIONS)[number];
export type Stage = (typeof STAGES)[number];
export type Order = (typeof ORDERS)[number];
export type RecallName = (typeof RECALLS)[number];
export type Protocol = (typeof PROTOCOLS)[number];
