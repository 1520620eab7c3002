/** Raises the version of every cached graph: change it with anything that changes what a builder writes. */
export const BUILDER_VERSION = 3;
