import { useState } from 'react';
import { useQuery } from 'urql';
import { may, useViewer } from '../../api/viewer.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Figure, Figures } from '../../parts/figure.tsx';
import { formatAgo, formatCount, formatDate, formatDateTime } from '../../parts/format.ts';
import { PageFrame } from '../../parts/page.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { WayBack } from '../../parts/way-back.tsx';
import { Link } from '../../router/link.tsx';
import { pathTo, useSearch } from '../../router/router.ts';
import { definitionPath, listPath, tabOf, TABS, type TabName } from './address.ts';
import { DefinitionForm } from './definition-form.tsx';
import { StatusBadge } from './definition-list.tsx';
import { DefinitionByName, type Definition } from './documents.ts';
import { NewDefinition } from './new-definition.tsx';
import { Quarantine } from './quarantine.tsx';
import { SampleCode } from './sample-code.tsx';
import { VersionList } from './schema-versions.tsx';

/** One type of event: what is known of it, how it is sent, what was kept aside. */
export function DefinitionPage({ name }: { name: string }) {
  const { slug } = useWorkspace();
  const variables = { workspace: slug, name };
  const [{ data, error }, ask] = useQuery({ query: DefinitionByName, variables });
  const again = () => ask({ requestPolicy: 'network-only' });
  const tab = tabOf(useSearch());
  if (error && !data) return <Failed error={error} onRetry={again} />;
  if (!data) return <Loading />;
  if (!data.eventDefinition) return <Missing name={name} onClosed={again} />;
  const definition = data.eventDefinition;
  return (
    <PageFrame
      above={<ToAllTypes />}
      title={
        <span className="definition-title">
          {name} <StatusBadge status={definition.status} />
        </span>
      }
      lead={definition.title}
      actions={
        <Link className="button plain" href={pathTo(slug, 'events', [], { type: name })}>
          Watch its events
        </Link>
      }
    >
      <Facts definition={definition} />
      <Tabs
        label="Views"
        tabs={Object.entries(TABS).map(([each, title]) => ({
          title,
          href: definitionPath(slug, name, each as TabName),
          isCurrent: each === tab,
        }))}
      />
      {tab === 'definition' && <DefinitionForm definition={definition} onSaved={again} />}
      {tab === 'versions' && <VersionList name={name} />}
      {tab === 'samples' && <SampleCode definition={definition} />}
      {tab === 'quarantine' && <Quarantine type={name} />}
    </PageFrame>
  );
}

/** It may be known all the same: by what was kept aside because nobody has defined it. */
function Missing({ name, onClosed }: { name: string; onClosed: () => void }) {
  const { slug } = useWorkspace();
  const viewer = useViewer();
  const [isMaking, setIsMaking] = useState(false);
  return (
    <PageFrame above={<ToAllTypes />} title={name}>
      <Empty title="Nobody has defined this type">
        <p>
          No event of it was recorded either. <Link href={listPath(slug)}>Look at all types</Link>
        </p>
        {may(viewer, 'DEFINITIONS_WRITE') && (
          <Button icon="plus" onClick={() => setIsMaking(true)}>
            Define it
          </Button>
        )}
      </Empty>
      <Quarantine type={name} nothing={null} />
      {isMaking && (
        <NewDefinition
          type={name}
          onClose={() => {
            setIsMaking(false);
            onClosed();
          }}
        />
      )}
    </PageFrame>
  );
}

function ToAllTypes() {
  const { slug } = useWorkspace();
  return <WayBack href={listPath(slug)}>All types</WayBack>;
}

function Facts({ definition }: { definition: Definition }) {
  const { eventCount, firstRecordedAt, lastRecordedAt, version, updatedAt } = definition;
  return (
    <section className="card" aria-label="At a glance">
      <Figures>
        <Figure
          title="Events"
          value={formatCount(eventCount)}
          note={eventCount === 0 ? 'none recorded yet' : 'recorded in all'}
        />
        <Figure
          title="Last seen"
          value={lastRecordedAt === null ? '–' : formatAgo(lastRecordedAt)}
          note={lastRecordedAt === null ? 'not yet' : formatDateTime(lastRecordedAt)}
        />
        <Figure
          title="First seen"
          value={firstRecordedAt === null ? '–' : formatDate(firstRecordedAt)}
          note={firstRecordedAt === null ? 'not yet' : formatAgo(firstRecordedAt)}
        />
        <Figure title="Version" value={version} note={`changed ${formatAgo(updatedAt)}`} />
      </Figures>
    </section>
  );
}
