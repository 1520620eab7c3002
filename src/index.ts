export { openEngine, type Engine, type EngineOptions } from './engine.js';
export { ERROR_CODES, PatchwordError, type ErrorCode } from './errors.js';
export { checkFilter, FILTER_FIELDS, type Attributes, type Filter, type Range, type Scalar } from './filter.js';
export type { CandidateSource, CaptionHit, Hit, ImageHit } from './hit.js';
export type {
  Calibration,
  Choice,
  Device,
  Explanation,
  Head,
  ImageSource,
  Inference,
  JobOptions,
  ModelInfo,
  Pair,
  Precision,
  PreparedImage,
  TextEmbedding,
  Tokens,
} from './inference/inference.js';
export { openInference, type InferenceOptions } from './inference/local.js';
export { scorePair, type PairScore } from './score.js';
export {
  SEARCH_DEFAULTS,
  type Budget,
  type Search,
  type SearchOptions,
  type SearchQuery,
  type SearchUpdate,
  type Spent,
} from './search.js';
export {
  deleteCollection,
  inspectCollections,
  renameCollection,
  type CollectionPlace,
  type CollectionSummary,
} from './store/sqlite/collections.js';
export { listCollections } from './store/sqlite/folders.js';
export {
  STORE_LIMITS,
  type CaptionMatches,
  type CaptionRecord,
  type CollectionInfo,
  type CollectionModel,
  type CollectionStatistics,
  type ImageRecord,
  type NearDuplicate,
  type Neighbor,
  type Neighbors,
  type PendingImage,
  type QuarantinedFile,
  type Reembedding,
  type ReindexState,
  type Source,
  type Store,
  type StoredCaption,
  type StoredFile,
  type StoredImage,
  type Target,
} from './store/store.js';
export { inspectModel } from './vilt/inspection.js';
export { verifyModel, type CaseResult, type VerificationOptions } from './vilt/verification.js';
