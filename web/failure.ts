/** Why there is no answer, in the server's own words where it gave any. */
export class Failure extends Error {
  readonly hint: string | null;
  /** The same request may succeed later. */
  readonly passing: boolean;
  /** What has to change; the page says it there. */
  readonly about: 'filter' | null;

  constructor(
    message: string,
    { hint = null, passing, about = null }: { hint?: string | null; passing: boolean; about?: 'filter' | null },
  ) {
    super(message);
    this.hint = hint;
    this.passing = passing;
    this.about = about;
  }
}
