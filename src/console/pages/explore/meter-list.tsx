import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { useRepeat } from '../../api/use-repeat.ts';
import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { IconButton } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { formatCount } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { DeleteMeter, Meters, wordsOf, type ListedMeter } from './meters.ts';

/** The counts that are kept ready, with how far each is filled; nothing where there are none. */
export function MeterList() {
  const { slug } = useWorkspace();
  const viewer = useViewer();
  const [{ data }, ask] = useQuery({ query: Meters, variables: { workspace: slug } });
  const [deleted, setDeleted] = useState<ListedMeter | null>(null);
  useRepeat(ask);
  const meters = data?.meters.nodes ?? [];
  if (meters.length === 0) return null;
  const onDelete = may(viewer, 'DEFINITIONS_WRITE') ? setDeleted : null;
  return (
    <Card title="Kept ready">
      <Table
        caption="Counts that are kept ready"
        columns={columns(onDelete)}
        rows={meters}
        keyOf={({ id }) => id}
      />
      {deleted && (
        <DeleteDialog
          meter={deleted}
          onClose={() => {
            setDeleted(null);
            ask({ requestPolicy: 'network-only' });
          }}
        />
      )}
    </Card>
  );
}

type OnDelete = ((meter: ListedMeter) => void) | null;

function columns(onDelete: OnDelete): readonly Column<ListedMeter>[] {
  return [
    {
      title: 'Name',
      cell: meter => (
        <div className="meter-name">
          <span>{meter.name}</span>
          <span className="muted">{wordsOf(meter)}</span>
        </div>
      ),
    },
    { title: 'State', cell: meter => <State meter={meter} /> },
    {
      title: 'Groups',
      isNumber: true,
      isMinor: true,
      cell: ({ seriesCount, seriesMax, overflowed }) =>
        overflowed ? `${formatCount(seriesMax)} and others` : formatCount(seriesCount),
    },
    ...(onDelete === null ? [] : [deleteColumn(onDelete)]),
  ];
}

function deleteColumn(onDelete: NonNullable<OnDelete>): Column<ListedMeter> {
  return {
    title: <span className="unseen">Delete</span>,
    cell: meter => (
      <IconButton icon="close" label={`Delete ${meter.name}`} onClick={() => onDelete(meter)} />
    ),
  };
}

function State({ meter }: { meter: ListedMeter }) {
  const { status, problem, filledPosition, targetPosition } = meter;
  if (status === 'ACTIVE') return <>Ready</>;
  if (status === 'FAILING') return <>Fails, and is tried again: {problem}</>;
  return (
    <div className="meter-progress">
      <progress
        max={Math.max(1, targetPosition)}
        value={filledPosition}
        aria-label={`${meter.name} is being filled`}
      />
      <span className="muted">
        {formatCount(filledPosition)} of {formatCount(targetPosition)} events
      </span>
    </div>
  );
}

function DeleteDialog({ meter, onClose }: { meter: ListedMeter; onClose: () => void }) {
  const { slug } = useWorkspace();
  const [{ fetching, error }, remove] = useMutation(DeleteMeter);
  async function confirm(): Promise<void> {
    const done = await remove({ input: { workspace: slug, meter: meter.name } });
    if (!done.error) onClose();
  }
  return (
    <Confirm
      title={`Delete ${meter.name}?`}
      action="Delete"
      keep="Keep it"
      isBusy={fetching}
      error={error}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>
        The events stay, and are counted when somebody asks. What it counted of events that were
        removed since is lost.
      </p>
    </Confirm>
  );
}
