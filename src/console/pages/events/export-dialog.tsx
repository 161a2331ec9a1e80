import { useEffect, useRef, useState } from 'react';
import { StreamError } from '../../api/stream.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { downloadFile } from '../../parts/download.ts';
import { formatCount } from '../../parts/format.ts';
import { Notice } from '../../parts/states.tsx';
import { EXPORT_MAX, exportEvents, FORMATS, type Format } from './export.ts';
import type { Scope } from './history.ts';

type State =
  | { readonly kind: 'ASKING' }
  | { readonly kind: 'READING'; readonly count: number }
  | { readonly kind: 'DONE'; readonly count: number; readonly isCut: boolean }
  | { readonly kind: 'FAILED'; readonly text: string };

/** Hands out the events that fit the filters and the time as a file. */
export function ExportDialog({ scope, onClose }: { scope: Scope; onClose: () => void }) {
  const [state, setState] = useState<State>({ kind: 'ASKING' });
  const reading = useRef<AbortController | null>(null);
  useEffect(() => () => reading.current?.abort(), []);

  async function run(format: Format): Promise<void> {
    const { signal } = (reading.current = new AbortController());
    setState({ kind: 'READING', count: 0 });
    try {
      const onCount = (count: number) => setState({ kind: 'READING', count });
      const { content, count, isCut } = await exportEvents(scope, format, { signal, onCount });
      downloadFile(`${scope.workspace}-events.${format}`, content);
      setState({ kind: 'DONE', count, isCut });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof StreamError)) throw error;
      setState({ kind: 'FAILED', text: `${error.problem.title}. ${error.problem.advice}` });
    }
  }

  return (
    <Dialog title="Export" onClose={onClose}>
      <p className="muted">
        The events that fit the filters and the time, newest first, up to {formatCount(EXPORT_MAX)}.
        In the CSV a text that a spreadsheet would take for a formula begins with an apostrophe.
        NDJSON has the texts as they are.
      </p>
      {state.kind === 'READING' && <Notice>{formatCount(state.count)} events so far…</Notice>}
      {state.kind === 'FAILED' && <Notice tone="bad">{state.text}</Notice>}
      {state.kind === 'DONE' && (
        <Notice tone={state.isCut ? 'warn' : 'good'}>
          {state.isCut
            ? `These are the newest ${formatCount(state.count)} events. For all of them use “sluice export”.`
            : `The file has ${formatCount(state.count)} ${state.count === 1 ? 'event' : 'events'}.`}
        </Notice>
      )}
      <div className="actions">
        {Object.entries(FORMATS).map(([format, { title }]) => (
          <Button
            key={format}
            icon="download"
            isBusy={state.kind === 'READING'}
            onClick={() => void run(format as Format)}
          >
            {title}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}
