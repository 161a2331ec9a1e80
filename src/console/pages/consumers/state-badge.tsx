import { Badge } from '../../parts/labels.tsx';
import type { ListedConsumer } from './documents.ts';

type State = Pick<ListedConsumer, 'status' | 'pausedReason' | 'gonePosition'>;

/** Whether it hands out events, and if not, why. */
export function StateBadge({ status, gonePosition }: Omit<State, 'pausedReason'>) {
  if (status === 'PAUSED') return <Badge tone="warn">paused</Badge>;
  if (gonePosition !== null) return <Badge tone="bad">events are gone</Badge>;
  return <Badge tone="good">active</Badge>;
}

/** The same with the reason beneath, for a table. */
export function StateCell({ consumer }: { consumer: State }) {
  return (
    <div className="consumer-state">
      <StateBadge {...consumer} />
      {consumer.pausedReason !== null && <span className="muted">{consumer.pausedReason}</span>}
    </div>
  );
}
