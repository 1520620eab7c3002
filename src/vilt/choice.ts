/** One of a head's outputs, with its share of the softmax (for VQA, its sigmoid). */
export interface Choice {
  label: string;
  probability: number;
}

/** The most choices that come back. */
export const CHOICES = 100;
