import { useState } from 'react';
import { useQuery } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { formatCount, formatDateTime } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { SchemaVersions, type SchemaVersion } from './documents.ts';
import { folded, lineChanges, type LineChange } from './line-changes.ts';

/** All versions of a schema, the newest first, each with what it changed. */
export function VersionList({ name }: { name: string }) {
  const { slug } = useWorkspace();
  const [after, setAfter] = useState<readonly (string | null)[]>([null]);
  const variables = { workspace: slug, name, after: after.at(-1) ?? null };
  const [{ data, error }, ask] = useQuery({ query: SchemaVersions, variables });
  if (error && !data) {
    return <Failed error={error} onRetry={() => ask({ requestPolicy: 'network-only' })} />;
  }
  if (!data?.eventDefinition) return <Loading />;
  const { edges, pageInfo } = data.eventDefinition.schemaVersions;
  // The last of a page is there to be compared with, and shown on the next one.
  const shown = pageInfo.hasNextPage ? edges.slice(0, -1) : edges;
  return (
    <>
      {shown.map(({ node }, at) => (
        <VersionCard
          key={node.version}
          version={node}
          before={edges[at + 1]?.node.payloadSchema ?? null}
        />
      ))}
      <div className="actions">
        {after.length > 1 && <Button onClick={() => setAfter(after.slice(0, -1))}>Newer</Button>}
        {pageInfo.hasNextPage && (
          <Button onClick={() => setAfter([...after, shown.at(-1)?.cursor ?? null])}>Older</Button>
        )}
      </div>
    </>
  );
}

interface VersionProps {
  readonly version: SchemaVersion;
  /** The schema of the version before it; null for none. */
  readonly before: unknown;
}

function VersionCard({ version, before }: VersionProps) {
  const { payloadSchema, afterPosition, createdAt, createdBy } = version;
  return (
    <Card title={`Version ${version.version}`}>
      <div className="schema-version">
        <p className="muted">
          {formatDateTime(createdAt)}
          {createdBy && `, by ${createdBy.name}`}.{' '}
          {afterPosition === 0
            ? 'It holds for all events.'
            : `It holds for events after position ${formatCount(afterPosition)}.`}
        </p>
        {payloadSchema === null ? (
          <p>It has no schema: any payload fits.</p>
        ) : (
          <Differences changes={lineChanges(textOf(before), textOf(payloadSchema))} />
        )}
      </div>
    </Card>
  );
}

const SIGNS = { SAME: ' ', NEW: '+', GONE: '-' } as const;

function Differences({ changes }: { changes: readonly LineChange[] }) {
  return (
    <pre className="schema-changes" tabIndex={0}>
      {folded(changes).map((part, at) =>
        part.kind === 'FOLDED' ? (
          <span key={at} className="folded">
            … {formatCount(part.count)} lines as before
          </span>
        ) : (
          <span key={at} className={part.kind.toLowerCase()}>
            {SIGNS[part.kind]} {part.text}
          </span>
        ),
      )}
    </pre>
  );
}

function textOf(schema: unknown): string[] {
  return schema === null ? [] : JSON.stringify(schema, null, 2).split('\n');
}
