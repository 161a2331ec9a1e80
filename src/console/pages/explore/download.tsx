/** The answer as files. Times are in RFC 3339, numbers as they are. */
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { downloadFile, toCsv, type Row } from '../../parts/download.ts';
import { GROUPS, type Options } from './options.ts';
import { valueOf, type Layout } from './series.ts';
import type { Answer } from './use-answer.ts';

/** One row for each group and bucket, and for the others together. */
function rowsOf({ buckets, options, others }: Answer, { series }: Layout): Row[] {
  const { group, measure } = options;
  const rest = series.find(each => each.group === undefined)?.name ?? null;
  return [
    ...buckets.map(bucket => ({ bucket, name: bucket.group[0]?.value ?? null })),
    ...(others?.buckets ?? []).map(bucket => ({ bucket, name: rest })),
  ].map(({ bucket, name }) => ({
    start: bucket.start,
    end: bucket.end,
    ...(group === 'none' ? {} : { [group]: name }),
    count: bucket.count,
    ...(measure === 'count' ? {} : { [measure]: valueOf(bucket, measure) }),
  }));
}

function toNdjson(rows: readonly Row[]): string {
  return rows.map(row => `${JSON.stringify(row)}\n`).join('');
}

function fileName(workspace: string, { group, span }: Options, extension: string): string {
  const by = group === 'none' ? '' : `-by-${GROUPS[group].toLowerCase().replaceAll(' ', '-')}`;
  return `${workspace}${by}-${span}.${extension}`;
}

export function Downloads({ answer, layout }: { answer: Answer; layout: Layout }) {
  const { slug } = useWorkspace();
  const hand = (extension: string, type: string, print: (rows: Row[]) => string) =>
    downloadFile(
      fileName(slug, answer.options, extension),
      new Blob([print(rowsOf(answer, layout))], { type }),
    );
  return (
    <>
      <Button icon="download" onClick={() => hand('csv', 'text/csv', toCsv)}>
        CSV
      </Button>
      <Button icon="download" onClick={() => hand('ndjson', 'application/x-ndjson', toNdjson)}>
        NDJSON
      </Button>
    </>
  );
}
