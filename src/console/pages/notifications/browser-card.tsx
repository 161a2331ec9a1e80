import { useState } from 'react';
import { useClient, useMutation } from 'urql';
import { problemOf } from '../../api/problem.ts';
import { pushEndpoint, startPush, stopPush, usePush } from '../../api/push.ts';
import { useWorkspace } from '../../layout/workspace.tsx';
import { Button } from '../../parts/button.tsx';
import { Card } from '../../parts/page.tsx';
import { Notice } from '../../parts/states.tsx';
import { TestBrowser } from './documents.ts';

const WORDS = {
  on: 'This browser takes notifications, also while no page of the console is open.',
  off: 'This browser takes no notifications. The browser asks you before it takes any.',
  denied: 'This browser refuses notifications of this page. Its settings can allow them.',
  unsupported:
    'This browser can’t take notifications here. It needs https, and on an iPhone or iPad the ' +
    'console on the Home Screen.',
  unknown: 'Looking whether this browser takes notifications…',
} as const;

/** Whether this browser is told, and a test of that. */
export function BrowserCard() {
  const { slug } = useWorkspace();
  const client = useClient();
  const push = usePush();
  const [isBusy, setIsBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const [{ fetching, data, error }, sendTest] = useMutation(TestBrowser);
  const test = data?.sendTestPush.test;

  async function change(to: () => Promise<string | null>): Promise<void> {
    setIsBusy(true);
    setFault(await to().catch(String));
    setIsBusy(false);
  }

  async function tryIt(): Promise<void> {
    const endpoint = await pushEndpoint();
    if (endpoint !== null) await sendTest({ input: { workspace: slug, endpoint } });
  }

  return (
    <Card
      title="This browser"
      actions={
        push === 'on' ? (
          <>
            <Button isBusy={fetching} onClick={() => void tryIt()}>
              Send a test
            </Button>
            <Button
              isBusy={isBusy}
              onClick={() => void change(() => stopPush(client).then(() => null))}
            >
              Stop notifications
            </Button>
          </>
        ) : (
          push === 'off' && (
            <Button
              icon="bell"
              look="primary"
              isBusy={isBusy}
              onClick={() => void change(() => startPush(client))}
            >
              Notify this browser
            </Button>
          )
        )
      }
    >
      <div className="card-body">
        <p role="status">{WORDS[push]}</p>
        {fault !== null && <Notice tone="bad">{fault}</Notice>}
        {error && <Notice tone="bad">{problemOf(error).advice}</Notice>}
        {test && !error && (
          <Notice tone={test.error === null ? 'good' : 'bad'}>
            Test: {test.error ?? `taken by ${test.address}`}
          </Notice>
        )}
      </div>
    </Card>
  );
}
