import type { ReactNode } from 'react';
import { useWorkspace } from '../../layout/workspace.tsx';
import { formatCount } from '../../parts/format.ts';
import { Failed } from '../../parts/states.tsx';
import { Link } from '../../router/link.tsx';
import { pathTo } from '../../router/router.ts';
import { ProblemText } from './problem-text.tsx';
import type { CheckState, Misfit } from './use-schema-check.ts';

/** How many of the newest events fit, and what is wrong with the others. */
export function SchemaCheck({ check }: { check: CheckState }) {
  const isWaiting = check.kind === 'CHECKING';
  return (
    <section className="schema-check" aria-label="Recent events" aria-busy={isWaiting}>
      <h3>Recent events</h3>
      <div role="status">
        <Told check={check} />
      </div>
      {check.misfits.length > 0 && (
        <ul className="misfits">
          {check.misfits.map(misfit => (
            <li key={`${misfit.pointer} ${misfit.message}`}>
              <MisfitLine misfit={misfit} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Told({ check }: { check: CheckState }): ReactNode {
  const { kind, checked, fitting, error } = check;
  switch (kind) {
    case 'NO_SCHEMA':
      return <p className="muted">Without a schema any payload fits.</p>;
    case 'NOT_JSON':
      return <p className="muted">They are checked once the schema can be read.</p>;
    case 'FAILED':
      if (error) return <Failed error={error} />;
      return <p className="muted">They are checked once the schema is in order.</p>;
    case 'CHECKING':
      if (checked === 0) return <p className="muted">Checking…</p>;
      return <Verdict {...{ checked, fitting }} />;
    case 'CHECKED':
      if (checked > 0) return <Verdict {...{ checked, fitting }} />;
      return <p className="muted">There are none of this type yet, so none to check.</p>;
  }
}

function Verdict({ checked, fitting }: { checked: number; fitting: number }) {
  const isAll = fitting === checked;
  return (
    <>
      <p className="verdict">
        <b className={isAll ? 'good' : 'warn'}>{formatCount(fitting)}</b> of the last{' '}
        {formatCount(checked)} fit
      </p>
      <progress className={isAll ? 'good' : 'warn'} value={fitting} max={checked}>
        {fitting} of {checked}
      </progress>
    </>
  );
}

function MisfitLine({ misfit }: { misfit: Misfit }) {
  const { slug } = useWorkspace();
  const { count, newest } = misfit;
  return (
    <>
      <p>
        <ProblemText problem={misfit} />
      </p>
      <p className="faint">
        {formatCount(count)} {count === 1 ? 'event' : 'events'} ·{' '}
        <Link href={pathTo(slug, 'events', [], { event: newest })}>the newest</Link>
      </p>
    </>
  );
}
