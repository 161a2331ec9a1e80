import { useState } from 'react';
import { may, useViewer } from '../../api/viewer.ts';
import { Button } from '../../parts/button.tsx';
import { PageFrame } from '../../parts/page.tsx';
import { useRoute } from '../../router/router.ts';
import { AccessNotice } from './access-notice.tsx';
import { ConsumerList } from './consumer-list.tsx';
import { ConsumerPage } from './consumer-page.tsx';
import './consumers.css';
import { NewConsumer } from './new-consumer.tsx';

/** Who gets events by itself: all consumers, and each of them for itself. */
export function ConsumersPage() {
  const [name] = useRoute().rest;
  return name === undefined ? <ListPage /> : <ConsumerPage key={name} name={name} />;
}

function ListPage() {
  const mayChange = may(useViewer(), 'ADMIN');
  const [isMaking, setIsMaking] = useState(false);
  const create = (
    <Button icon="plus" onClick={() => setIsMaking(true)}>
      New consumer
    </Button>
  );
  return (
    <PageFrame
      title="Consumers"
      lead="Who gets events by itself, how far each of them is, and what failed."
      actions={mayChange && create}
    >
      <AccessNotice />
      <ConsumerList />
      {isMaking && <NewConsumer onClose={() => setIsMaking(false)} />}
    </PageFrame>
  );
}
