import { useState } from 'react';
import { useMutation } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { formatCount, formatDateTime } from '../../parts/format.ts';
import { Card } from '../../parts/page.tsx';
import { Notice } from '../../parts/states.tsx';
import { DeleteRule, TestRule, UpdateRule, type Rule } from './documents.ts';
import { RuleDialog } from './rule-dialog.tsx';
import { channelText, conditionText, durationText } from './words.ts';

interface RuleCardProps {
  readonly rule: Rule;
  /** Called after each change and each test. */
  readonly onChange: () => void;
}

/** One rule: what it tells of and whom, a test of it, and what fails. */
export function RuleCard({ rule, onChange }: RuleCardProps) {
  const { slug } = useWorkspace();
  const [open, setOpen] = useState<'change' | 'delete' | null>(null);
  const [tested, test] = useMutation(TestRule);
  const [updated, update] = useMutation(UpdateRule);
  const named = { workspace: slug, rule: rule.name };
  const error = tested.error ?? updated.error;

  async function toggle(): Promise<void> {
    await update({ input: { ...named, enabled: !rule.enabled } });
    onChange();
  }

  return (
    <Card
      title={rule.name}
      actions={
        <>
          <Button
            isBusy={tested.fetching}
            onClick={() => void test({ input: named }).then(onChange)}
          >
            Send a test
          </Button>
          <Button onClick={() => setOpen('change')}>Change…</Button>
          <Button isBusy={updated.fetching} onClick={() => void toggle()}>
            {rule.enabled ? 'Disable' : 'Enable'}
          </Button>
          <Button onClick={() => setOpen('delete')}>Delete…</Button>
        </>
      }
    >
      <RuleFacts rule={rule} />
      <div className="rule-notices">
        {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
        {tested.data && !tested.error && <Tests tests={tested.data.sendTestNotification.tests} />}
        {rule.lastError !== null && (
          <Notice tone="warn">
            The last attempt failed: {rule.lastError} {formatCount(rule.waitingCount)} waiting.
          </Notice>
        )}
      </div>
      {open === 'change' && (
        <RuleDialog
          rule={rule}
          onDone={() => {
            setOpen(null);
            onChange();
          }}
          onClose={() => setOpen(null)}
        />
      )}
      {open === 'delete' && (
        <DeleteDialog
          name={rule.name}
          onDone={() => {
            setOpen(null);
            onChange();
          }}
          onClose={() => setOpen(null)}
        />
      )}
    </Card>
  );
}

function RuleFacts({ rule }: { rule: Rule }) {
  const { enabled, channels, quietFor, lastNotifiedAt } = rule;
  const isQuiet = quietFor !== 'PT0S';
  return (
    <dl className="rule-facts">
      <dt>Tells of</dt>
      <dd>
        {conditionText(rule)}
        {isQuiet && `, at most one notification in ${durationText(quietFor)}`}
      </dd>
      <dt>To</dt>
      <dd>
        <ul>
          {channels.map((channel, at) => (
            <li key={at}>{channelText(channel)}</li>
          ))}
        </ul>
      </dd>
      <dt>State</dt>
      <dd>
        {enabled ? 'Enabled' : 'Disabled: it keeps its place'}
        {lastNotifiedAt === null
          ? ', has told of nothing yet'
          : `, told of something last on ${formatDateTime(lastNotifiedAt)}`}
      </dd>
    </dl>
  );
}

interface Test {
  readonly address: string;
  readonly error: string | null;
}

function Tests({ tests }: { tests: readonly Test[] }) {
  if (tests.length === 0) {
    return <Notice tone="warn">No browser takes notifications yet, so nobody was told.</Notice>;
  }
  return tests.map(({ address, error }, at) => (
    <Notice key={at} tone={error === null ? 'good' : 'bad'}>
      Test: {error === null ? `taken by ${address}` : `${address}: ${error}`}
    </Notice>
  ));
}

interface DeleteProps {
  readonly name: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function DeleteDialog({ name, onDone, onClose }: DeleteProps) {
  const { slug } = useWorkspace();
  const [{ fetching, error }, remove] = useMutation(DeleteRule);
  async function confirm(): Promise<void> {
    const result = await remove({ input: { workspace: slug, rule: name } });
    if (!result.error) onDone();
  }
  return (
    <Dialog title={`Delete ${name}?`} onClose={onClose}>
      <p>It tells nobody any more. What waits to be sent is dropped.</p>
      {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
      <div className="actions">
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" isBusy={fetching} onClick={() => void confirm()}>
          Delete
        </Button>
      </div>
    </Dialog>
  );
}
