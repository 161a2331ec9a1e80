import { useState, type FormEvent } from 'react';
import { createClient } from '../api/client.ts';
import { problemOf } from '../api/problem.ts';
import { startSession, useSession } from '../api/session.ts';
import { may, ViewerQuery, type Viewer } from '../api/viewer.ts';
import { Button } from '../parts/button.tsx';
import { Checkbox, TextField } from '../parts/field.tsx';
import { Notice } from '../parts/states.tsx';

/** Asks for a key, and lets in who may look at something with it. */
export function SignIn() {
  const { endedBecause } = useSession();
  const [key, setKey] = useState('');
  const [isKept, setIsKept] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isAsking, setIsAsking] = useState(false);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setIsAsking(true);
    const refused = await refusalOf(key.trim());
    setIsAsking(false);
    setRefusal(refused);
    if (refused === null) startSession(key.trim(), isKept);
  }

  return (
    <main className="sign-in">
      <form onSubmit={event => void submit(event)}>
        <h1>
          <img src={ICON} alt="" width="32" height="32" />
          Sluice
        </h1>
        <p className="lead">Sign in with a key to look at your events.</p>
        {endedBecause !== null && refusal === null && <Notice tone="warn">{endedBecause}</Notice>}
        <TextField
          label="Key"
          type="password"
          value={key}
          onChange={event => setKey(event.target.value)}
          placeholder="slc_…"
          autoComplete="current-password"
          autoFocus
          required
          error={refusal}
          hint="The first start of the gateway printed one."
        />
        <div>
          <Checkbox
            label="Stay signed in on this device"
            checked={isKept}
            onChange={event => setIsKept(event.target.checked)}
          />
          <p className="where-kept">{isKept ? WHERE_KEPT.device : WHERE_KEPT.tabs}</p>
        </div>
        <Button type="submit" look="primary" isBusy={isAsking}>
          Sign in
        </Button>
      </form>
    </main>
  );
}

const WHERE_KEPT = {
  device:
    'The key is kept in this browser’s local storage until you sign out. Whoever uses this browser can read it.',
  tabs: 'The key is kept in this browser’s session storage until you close the last tab of the console.',
} as const;

const ICON = new URL('../icon.svg', import.meta.url).href;

/** Why a key doesn't let its holder in; null when it does. */
async function refusalOf(key: string): Promise<string | null> {
  if (/[^\x21-\x7e]/.test(key)) return 'A key has no spaces and only plain characters.';
  const { data, error } = await createClient(key).query(ViewerQuery, {});
  if (data) return lackOf(data.viewer);
  const problem = error && problemOf(error);
  if (problem?.code === 'UNAUTHENTICATED') {
    return 'No such key: it is mistyped, was revoked or has expired.';
  }
  return problem ? `${problem.title}. ${problem.advice}` : 'That did not work.';
}

/** What a key that the gateway knows lacks to look at any page; null for nothing. */
function lackOf(viewer: Viewer): string | null {
  if (may(viewer, 'EVENTS_READ')) return null;
  if (!may(viewer, 'EVENTS_CONSUME')) {
    return `This key may see neither events nor consumers. Use one with the scope EVENTS_READ, EVENTS_CONSUME or ADMIN; this one has ${viewer.scopes.join(', ')}.`;
  }
  if (viewer.workspace !== null) return null;
  return 'This key covers all workspaces, and may not list them. Use one for a single workspace, or one with the scope EVENTS_READ or ADMIN.';
}
