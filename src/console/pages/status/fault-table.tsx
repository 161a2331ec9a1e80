import { Ago } from '../../parts/labels.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import type { Gateway } from './documents.ts';

type Fault = Gateway['upkeep']['faults'][number];

const STEPS: Readonly<Record<Fault['step'], string>> = {
  FOLD: 'Counting events into the precomputed counts',
  DAYS: 'Counting days anew for another time zone',
  FILL: 'Counting earlier events into a new measure',
  DROP: 'Removing the counts of a measure',
  EVIDENCE: 'Adding events to the Merkle tree',
  SEARCH: 'Adding events to the index of searches',
  EXPIRY: 'Removing the content of expired events',
  RETENTION: 'Removing old events',
};

const COLUMNS: readonly Column<Fault>[] = [
  { title: 'What', cell: ({ step }) => STEPS[step] },
  { title: 'Workspace', cell: ({ workspace }) => workspace?.name ?? 'just deleted' },
  { title: 'Fails since', cell: ({ since }) => <Ago at={since} /> },
  { title: 'The database says', cell: ({ message }) => message },
];

export function FaultTable({ faults }: { faults: readonly Fault[] }) {
  return (
    <Table
      caption="Background work that fails"
      columns={COLUMNS}
      rows={faults}
      keyOf={({ step, workspace }) => `${step} ${workspace?.id ?? ''}`}
    />
  );
}
