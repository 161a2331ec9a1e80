/** The answer as files. Times are in RFC 3339, numbers as they are. */
import type { Row } from '../../parts/download.ts';
import { GROUPS, type Options } from './options.ts';
import type { Bucket } from './question.ts';
import { valueOf } from './series.ts';

export function rowsOf(buckets: readonly Bucket[], { group, measure }: Options): Row[] {
  return buckets.map(bucket => ({
    start: bucket.start,
    end: bucket.end,
    ...(group === 'none' ? {} : { [group]: bucket.group[0]?.value ?? null }),
    count: bucket.count,
    ...(measure === 'count' ? {} : { [measure]: valueOf(bucket, measure) }),
  }));
}

export function toNdjson(rows: readonly Row[]): string {
  return rows.map(row => `${JSON.stringify(row)}\n`).join('');
}

export function fileName(workspace: string, { group, span }: Options, extension: string): string {
  const by = group === 'none' ? '' : `-by-${GROUPS[group].toLowerCase().replaceAll(' ', '-')}`;
  return `${workspace}${by}-${span}.${extension}`;
}
