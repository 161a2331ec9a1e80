import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { formatDate } from '../../parts/format.ts';
import { Ago, Badge } from '../../parts/labels.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Failed, Loading, Notice } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Keys, RevokeKey, type Key } from './documents.ts';
import { NewKey } from './new-key.tsx';
import { ChangeQuota, Usage } from './quota.tsx';

interface KeysProps {
  /** Whether those for every workspace are shown; else those for the one that is looked at. */
  readonly isOfAll: boolean;
}

/** Who may do what: the keys, those that still work first. */
export function KeysCard({ isOfAll }: KeysProps) {
  const { slug } = useWorkspace();
  const [{ data, error }, ask] = useQuery({ query: Keys });
  const [isMaking, setIsMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const [limiting, setLimiting] = useState<Key | null>(null);
  const again = () => ask({ requestPolicy: 'network-only' });
  const add = (
    <Button icon="plus" onClick={() => setIsMaking(true)}>
      New key
    </Button>
  );
  return (
    <Card
      title={isOfAll ? 'Keys for every workspace' : 'Keys for this workspace alone'}
      actions={add}
    >
      {!data && !error && <Loading />}
      {error && <Failed error={error} onRetry={again} />}
      {data && (
        <KeyTable
          keys={data.apiKeys.nodes.filter(({ workspace }) =>
            isOfAll ? workspace === null : workspace?.slug === slug,
          )}
          onRevoke={setRevoking}
          onLimit={setLimiting}
        />
      )}
      {isMaking && (
        <NewKey
          isForAll={isOfAll}
          onClose={() => {
            setIsMaking(false);
            again();
          }}
        />
      )}
      {limiting && (
        <ChangeQuota
          apiKey={limiting}
          onClose={() => {
            setLimiting(null);
            again();
          }}
        />
      )}
      {revoking && (
        <Revoke
          apiKey={revoking}
          onClose={() => {
            setRevoking(null);
            again();
          }}
        />
      )}
    </Card>
  );
}

interface KeyActions {
  readonly onRevoke: (key: Key) => void;
  readonly onLimit: (key: Key) => void;
}

function KeyTable({ keys, ...actions }: KeyActions & { keys: readonly Key[] }) {
  if (keys.length === 0) {
    return (
      <Empty title="No keys">
        <p>Make one for each application that records or reads.</p>
      </Empty>
    );
  }
  const ordered = [...keys].sort((a, b) => Number(hasEnded(a)) - Number(hasEnded(b)));
  return <Table caption="Keys" columns={columns(actions)} rows={ordered} keyOf={({ id }) => id} />;
}

function columns({ onRevoke, onLimit }: KeyActions): readonly Column<Key>[] {
  return [
    { title: 'Name', cell: ({ name }) => <b>{name}</b> },
    { title: 'Begins with', isMinor: true, cell: ({ prefix }) => <code>{prefix}</code> },
    { title: 'May', cell: ({ scopes }) => scopes.map(scope => SCOPE_WORDS[scope]).join(', ') },
    { title: 'Created', isMinor: true, cell: ({ createdAt }) => formatDate(createdAt) },
    {
      title: 'Expires',
      cell: ({ expiresAt }) => (expiresAt === null ? 'never' : formatDate(expiresAt)),
    },
    {
      title: 'Last used',
      isMinor: true,
      cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : <Ago at={lastUsedAt} />),
    },
    { title: 'Recorded', cell: key => <Usage apiKey={key} /> },
    { title: 'State', cell: key => <State apiKey={key} /> },
    {
      title: <span className="unseen">Actions</span>,
      cell: key =>
        !hasEnded(key) && (
          <div className="key-actions">
            <Button
              look="quiet"
              onClick={() => onLimit(key)}
              aria-label={`Change the quota of ${key.name}`}
            >
              Quota
            </Button>
            <Button look="quiet" onClick={() => onRevoke(key)} aria-label={`Revoke ${key.name}`}>
              Revoke
            </Button>
          </div>
        ),
    },
  ];
}

export const SCOPE_WORDS: Readonly<Record<Key['scopes'][number], string>> = {
  EVENTS_WRITE: 'record',
  EVENTS_READ: 'read',
  EVENTS_CONSUME: 'consume',
  DEFINITIONS_WRITE: 'define',
  METRICS: 'read metrics',
  ADMIN: 'everything',
};

function hasEnded({ revokedAt, expiresAt }: Key): boolean {
  return revokedAt !== null || (expiresAt !== null && new Date(expiresAt) <= new Date());
}

function State({ apiKey: { revokedAt, expiresAt } }: { apiKey: Key }) {
  if (revokedAt !== null) return <Badge>revoked</Badge>;
  const isOver = expiresAt !== null && new Date(expiresAt) <= new Date();
  return isOver ? <Badge>expired</Badge> : <Badge tone="good">valid</Badge>;
}

function Revoke({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const [{ fetching, error }, revoke] = useMutation(RevokeKey);
  // What the refusal says is read before the second press.
  const isRisky = error !== undefined && problemOf(error).code === 'FORCE_REQUIRED';
  async function confirm(): Promise<void> {
    const { data } = await revoke({ id: apiKey.id, force: isRisky });
    if (data) onClose();
  }
  return (
    <Dialog title={`Revoke ${apiKey.name}?`} onClose={onClose}>
      <p>
        Whoever uses it is refused within seconds, and its live views end. This can’t be undone.
      </p>
      {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
      <div className="actions">
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" isBusy={fetching} onClick={() => void confirm()}>
          {isRisky ? 'Revoke it all the same' : 'Revoke'}
        </Button>
      </div>
    </Dialog>
  );
}
