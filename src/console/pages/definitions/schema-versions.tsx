import { useState } from 'react';
import { useQuery } from 'urql';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { formatCount, formatDateTime } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { SchemaVersions } from './documents.ts';
import { lineChanges } from './line-changes.ts';

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
  const { nodes, pageInfo } = data.eventDefinition.schemaVersions;
  return (
    <>
      {nodes.map(({ version, payloadSchema, afterPosition, createdAt, createdBy }, index) => (
        <Card key={version} title={`Version ${version}`}>
          <p className="muted">
            {formatDateTime(createdAt)}
            {createdBy && `, by ${createdBy.name}`}. Events after position{' '}
            {formatCount(afterPosition)}.
          </p>
          <Differences
            // The last of a page stands alone: what came before it is on the next one.
            before={
              index + 1 < nodes.length || !pageInfo.hasNextPage
                ? (nodes[index + 1]?.payloadSchema ?? null)
                : payloadSchema
            }
            after={payloadSchema}
          />
        </Card>
      ))}
      <div className="actions">
        {after.length > 1 && <Button onClick={() => setAfter(after.slice(0, -1))}>Newer</Button>}
        {pageInfo.hasNextPage && (
          <Button onClick={() => setAfter([...after, pageInfo.endCursor])}>Older</Button>
        )}
      </div>
    </>
  );
}

function Differences({ before, after }: { before: unknown; after: unknown }) {
  if (after === null) return <p>Any payload fits.</p>;
  return (
    <pre className="schema-changes">
      {lineChanges(textOf(before), textOf(after)).map(({ kind, text }, index) => (
        <span
          key={index}
          className={kind === 'SAME' ? undefined : kind === 'NEW' ? 'good' : 'warn'}
        >
          {kind === 'SAME' ? '  ' : kind === 'NEW' ? '+ ' : '- '}
          {text}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}

function textOf(schema: unknown): string[] {
  return schema === null ? [] : JSON.stringify(schema, null, 2).split('\n');
}
