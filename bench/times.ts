/** How long something took, again and again, in words. */
export function timesOf(milliseconds: number[]): string {
  const { p50, p95, p99, max } = percentiles(milliseconds);
  return `p50 ${p50.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, at most ${max.toFixed(2)} ms`;
}

export function percentiles(values: number[]): { p50: number; p95: number; p99: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** Processor time that this process has used, in milliseconds: what a busy machine does not lengthen much. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
