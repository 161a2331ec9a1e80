import type { AggregateBucket } from './aggregate.ts';

export interface AggregateDiff {
  /** New buckets, and those with other values. */
  readonly changed: readonly AggregateBucket[];
  /** Ids of buckets that are no more. */
  readonly removed: readonly string[];
}

/** What turns one answer into a later one of the same query. */
export function diffAggregates(
  before: readonly AggregateBucket[],
  after: readonly AggregateBucket[],
): AggregateDiff {
  const known = new Map(before.map(bucket => [bucket.id, bucket]));
  const changed: AggregateBucket[] = [];
  for (const bucket of after) {
    const old = known.get(bucket.id);
    known.delete(bucket.id);
    if (old === undefined || !isSame(old, bucket)) changed.push(bucket);
  }
  return { changed, removed: [...known.keys()] };
}

/** The later answer, with the earlier's objects for buckets that are the same: they take no more room. */
export function keepUnchanged(
  before: readonly AggregateBucket[],
  after: readonly AggregateBucket[],
): AggregateBucket[] {
  const known = new Map(before.map(bucket => [bucket.id, bucket]));
  return after.map(bucket => {
    const old = known.get(bucket.id);
    return old !== undefined && isSame(old, bucket) ? old : bucket;
  });
}

function isSame(a: AggregateBucket, b: AggregateBucket): boolean {
  if (a === b) return true;
  return (
    a.count === b.count &&
    a.measures.every((measure, index) => measure.text === b.measures[index]?.text)
  );
}
