import { useState } from 'react';
import { useQuery } from 'urql';
import { useRepeat } from '../../api/use-repeat.ts';
import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { PageFrame } from '../../parts/page.tsx';
import { Pager, type PageArgs } from '../../parts/pager.tsx';
import { Empty, Failed, Loading, Notice } from '../../parts/states.tsx';
import { BrowserCard } from './browser-card.tsx';
import { Rules } from './documents.ts';
import './notifications.css';
import { RuleCard } from './rule-card.tsx';
import { RuleDialog } from './rule-dialog.tsx';

const RULES = 20;

/** Whom the gateway tells of events, and whether this browser is among them. */
export function NotificationsPage() {
  const viewer = useViewer();
  const isAdmin = may(viewer, 'ADMIN');
  const [isMaking, setIsMaking] = useState(false);
  return (
    <PageFrame
      title="Notifications"
      lead="Whom the gateway tells of events, with nobody on the page."
      actions={
        isAdmin && (
          <Button icon="plus" onClick={() => setIsMaking(true)}>
            New rule
          </Button>
        )
      }
    >
      {may(viewer, 'EVENTS_READ') && <BrowserCard />}
      {isAdmin ? (
        <RuleList isMaking={isMaking} onMade={() => setIsMaking(false)} />
      ) : (
        <Notice>Rules are shown to keys with the scope ADMIN.</Notice>
      )}
    </PageFrame>
  );
}

function RuleList({ isMaking, onMade }: { isMaking: boolean; onMade: () => void }) {
  const { slug } = useWorkspace();
  const [place, setPlace] = useState<PageArgs>({ first: RULES });
  const [{ data, error }, ask] = useQuery({
    query: Rules,
    variables: { workspace: slug, ...place },
  });
  useRepeat(ask);
  const askAgain = () => ask({ requestPolicy: 'network-only' });
  if (!data) {
    if (!error) return <Loading />;
    return <Failed error={error} onRetry={askAgain} />;
  }
  const { nodes, pageInfo } = data.notificationRules;
  return (
    <>
      {nodes.length === 0 && !pageInfo.hasPreviousPage && <Nothing />}
      {nodes.map(rule => (
        <RuleCard key={rule.id} rule={rule} onChange={askAgain} />
      ))}
      <Pager
        pageInfo={pageInfo}
        onPage={to => setPlace('before' in to ? { last: RULES, ...to } : { first: RULES, ...to })}
      />
      {isMaking && (
        <RuleDialog
          rule={null}
          onDone={() => {
            onMade();
            askAgain();
          }}
          onClose={onMade}
        />
      )}
    </>
  );
}

function Nothing() {
  return (
    <Empty title="No rules yet">
      <p>
        Once a first browser takes notifications, a rule tells it of events with{' '}
        <code>notify: true</code>. Other rules tell of other events, by email or in a chat as well.
      </p>
    </Empty>
  );
}
