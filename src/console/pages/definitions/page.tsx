import { useState } from 'react';
import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { PageFrame } from '../../parts/page.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { useRoute, useSearch } from '../../router/router.ts';
import { listPath, tabOf } from './address.ts';
import { DefinitionList } from './definition-list.tsx';
import { DefinitionPage } from './definition-page.tsx';
import './definitions.css';
import { NewDefinition } from './new-definition.tsx';
import { Quarantine } from './quarantine.tsx';

/** Every type of event, and each of them for itself. */
export function DefinitionsPage() {
  const [name] = useRoute().rest;
  return name === undefined ? <ListPage /> : <DefinitionPage key={name} name={name} />;
}

function ListPage() {
  const { slug } = useWorkspace();
  const viewer = useViewer();
  const [isMaking, setIsMaking] = useState(false);
  const isQuarantine = tabOf(useSearch()) === 'quarantine';
  const create = (
    <Button icon="plus" onClick={() => setIsMaking(true)}>
      New definition
    </Button>
  );
  return (
    <PageFrame
      title="Definitions"
      lead="What each type of event means, and what its payload has to look like."
      actions={may(viewer, 'DEFINITIONS_WRITE') && create}
    >
      <Tabs
        label="Views"
        tabs={[
          { title: 'Types', href: listPath(slug), isCurrent: !isQuarantine },
          { title: 'Quarantine', href: listPath(slug, 'quarantine'), isCurrent: isQuarantine },
        ]}
      />
      {isQuarantine ? <Quarantine /> : <DefinitionList />}
      {isMaking && <NewDefinition onClose={() => setIsMaking(false)} />}
    </PageFrame>
  );
}
