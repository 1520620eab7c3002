/** An NLVR2 example with what the model said. */
export interface JudgedStatement {
  /** "dev-850-0-1": split, set of pictures, pair of the set, statement of the set. */
  identifier: string;
  label: boolean;
  predicted: boolean;
}

export interface Nlvr2Summary {
  examples: number;
  /** Percent of examples judged right; null without examples. */
  accuracy: number | null;
  /** Statements, each of which was asked of several pairs of pictures. */
  statements: number;
  /** Percent of statements that were judged right for every pair (Suhr et al. 2019, section 5); null without examples. */
  consistency: number | null;
}

/** Adds up what NLVR2's evaluation reports. */
export class Nlvr2Tally {
  #examples = 0;
  #right = 0;
  readonly #statements = new Map<string, boolean>();

  add({ identifier, label, predicted }: JudgedStatement): void {
    const right = label === predicted;
    const statement = statementOf(identifier);
    this.#examples += 1;
    if (right) this.#right += 1;
    this.#statements.set(statement, right && (this.#statements.get(statement) ?? true));
  }

  summary(): Nlvr2Summary {
    const statements = [...this.#statements.values()];
    const consistent = statements.filter(Boolean).length;
    const percent = (part: number, whole: number) => (whole === 0 ? null : (100 * part) / whole);
    return {
      examples: this.#examples,
      accuracy: percent(this.#right, this.#examples),
      statements: statements.length,
      consistency: percent(consistent, statements.length),
    };
  }
}

/** The same for all examples of one statement: an identifier without its pair. */
function statementOf(identifier: string): string {
  const [split, set, , ...statement] = identifier.split('-');
  return [split, set, ...statement].join('-');
}
