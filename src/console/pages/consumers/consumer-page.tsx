import { useQuery } from 'urql';
import { useRepeat } from '../../api/use-repeat.ts';
import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { PageFrame } from '../../parts/page.tsx';
import { Empty, Failed, Loading, Notice } from '../../parts/states.tsx';
import { WayBack } from '../../parts/way-back.tsx';
import { AccessNotice } from './access-notice.tsx';
import { consumersPath } from './address.ts';
import { Attempts } from './attempts.tsx';
import { ConsumerActions } from './consumer-actions.tsx';
import { ConsumerDetails, ConsumerFigures } from './consumer-facts.tsx';
import { ConsumerByName, type Consumer } from './documents.ts';
import { ParkedCard } from './parked.tsx';
import { StateBadge } from './state-badge.tsx';
import { WebhookCard } from './webhook-card.tsx';

/** One consumer: where it is, what it is, what failed. */
export function ConsumerPage({ name }: { name: string }) {
  const { slug } = useWorkspace();
  const isAdmin = may(useViewer(), 'ADMIN');
  const variables = { workspace: slug, name, isAdmin };
  const [{ data, error }, ask] = useQuery({ query: ConsumerByName, variables });
  useRepeat(ask);
  const again = () => ask({ requestPolicy: 'network-only' });
  if (error && !data) return <Failed error={error} onRetry={again} />;
  if (!data) return <Loading />;
  if (!data.consumer) return <Missing name={name} />;
  const { consumer } = data;
  return (
    <PageFrame
      above={<ToAllConsumers />}
      title={
        <span className="consumer-title">
          {name} <StateBadge {...consumer} />
        </span>
      }
      lead={consumer.description}
      actions={isAdmin && <ConsumerActions consumer={consumer} onChange={again} />}
    >
      <AccessNotice />
      <StateNotices consumer={consumer} />
      <ConsumerFigures consumer={consumer} />
      <ParkedCard name={name} count={consumer.parkedCount} onChange={again} />
      {consumer.webhook && <WebhookCard name={name} webhook={consumer.webhook} onChange={again} />}
      {consumer.webhook && <Attempts attempts={consumer.webhook.recentAttempts} />}
      <ConsumerDetails consumer={consumer} />
    </PageFrame>
  );
}

function ToAllConsumers() {
  const { slug } = useWorkspace();
  return <WayBack href={consumersPath(slug)}>All consumers</WayBack>;
}

function Missing({ name }: { name: string }) {
  return (
    <PageFrame above={<ToAllConsumers />} title={name}>
      <Empty title="No such consumer">
        <p>It was deleted or renamed, or there was none by that name.</p>
      </Empty>
    </PageFrame>
  );
}

/** Why it gets nothing, and what to do about it. */
function StateNotices({ consumer }: { consumer: Consumer }) {
  const { status, pausedReason, gonePosition } = consumer;
  return (
    <>
      {status === 'PAUSED' && (
        <Notice tone="warn">
          <b>{pausedReason ?? 'It is paused.'}</b>
          <span>Once resumed, it goes on where it stands.</span>
        </Notice>
      )}
      {gonePosition !== null && (
        <Notice tone="bad">
          Retention removed events before they were settled, from position {gonePosition} on. It
          gets nothing until somebody seeks, for instance to the beginning.
        </Notice>
      )}
    </>
  );
}
