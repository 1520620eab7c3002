import type { Inference } from '../src/inference/inference.js';
import { type Complexity, complexityOf, PAPER, usualGrid } from '../src/vilt/complexity.js';
import { readModel } from '../src/vilt/files.js';
import { formatTable } from './text.js';

export interface MeasuredComplexity extends Complexity {
  /** Median of one pair, alone, on this machine; null where the checkpoint cannot score pairs. */
  milliseconds: number | null;
  paper: typeof PAPER;
}

const RUNS = 7;

/** What one pair costs, counted and measured: a text of the most tokens, and a picture of 4:3. */
export async function measureComplexity(inference: Inference): Promise<MeasuredComplexity> {
  const { info } = inference;
  const { config } = await readModel(info.weights.length === 1 ? info.weights[0] : info.folder);
  const grid = usualGrid(info.config);
  const complexity = complexityOf(config, { grid, tokens: config.maxTextLength });
  const scores = info.heads.includes('rank') || info.heads.includes('itm');
  return { ...complexity, milliseconds: scores ? await measure(inference, complexity) : null, paper: PAPER };
}

async function measure(inference: Inference, { grid, tokens }: Complexity): Promise<number> {
  const side = inference.info.config.patchSize;
  const [width, height] = [grid.columns * side, grid.rows * side];
  const image = { width, height, pixels: new Uint8Array(3 * width * height).fill(128) };
  const text = 'a '.repeat(tokens - 2);
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const started = performance.now();
    await inference.matchScores([{ text, image }]);
    if (run > 0) times.push(performance.now() - started); // the first one loads the graphs
  }
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)];
}

export function describeComplexity(measured: MeasuredComplexity): string {
  const { parameters, parametersWithoutEmbedders, gigaflops, milliseconds, tokens, grid, paper } = measured;
  const millions = (count: number) => (count / 1e6).toFixed(1);
  return formatTable([
    [`one pair: ${tokens} tokens, ${grid.rows} x ${grid.columns} patches`, 'this model', 'ViLT-B/32 in the paper'],
    ['parameters, millions', millions(parameters), null],
    ['  without text embedder', millions(parametersWithoutEmbedders), millions(paper.parameters)],
    ['GFLOPs', gigaflops.toFixed(1), paper.gigaflops.toFixed(1)],
    ['milliseconds (paper: a P40)', milliseconds?.toFixed(1) ?? null, paper.milliseconds.toFixed(1)],
  ]);
}
