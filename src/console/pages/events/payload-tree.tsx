import { useState } from 'react';
import { Button } from '../../parts/button.tsx';
import { formatCount } from '../../parts/format.ts';

/** Levels that are open at first. */
const OPEN_LEVELS = 2;
/** Entries of one list that are shown at first. */
const ENTRIES = 100;

/** A JSON value, with what lies deep folded away. */
export function PayloadTree({ value }: { value: Readonly<Record<string, unknown>> }) {
  return (
    <ul className="tree">
      <Entries value={value} level={1} />
    </ul>
  );
}

function Entries({ value, level }: { value: object; level: number }) {
  const [shown, setShown] = useState(ENTRIES);
  const entries = Object.entries(value);
  return (
    <>
      {entries.slice(0, shown).map(([name, each]) => (
        <li key={name}>
          <Entry name={name} value={each as unknown} level={level} />
        </li>
      ))}
      {entries.length > shown && (
        <li>
          <Button look="quiet" onClick={() => setShown(shown + ENTRIES * 10)}>
            {formatCount(entries.length - shown)} more
          </Button>
        </li>
      )}
    </>
  );
}

function Entry({ name, value, level }: { name: string; value: unknown; level: number }) {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    return (
      <div className="leaf">
        <span className="name">{name}</span> <Leaf value={value} />
      </div>
    );
  }
  const isList = Array.isArray(value);
  const size = Object.keys(value).length;
  return (
    <details open={level < OPEN_LEVELS || undefined}>
      <summary>
        <span className="name">{name}</span>{' '}
        <span className="faint">
          {isList ? `list of ${size}` : `${size} ${size === 1 ? 'value' : 'values'}`}
        </span>
      </summary>
      <ul>
        <Entries value={value} level={level + 1} />
      </ul>
    </details>
  );
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value === 'string') return <span className="text">{value === '' ? '""' : value}</span>;
  if (value === null) return <span className="faint">null</span>;
  if (typeof value === 'object') return <span className="faint">empty</span>;
  return <span className="literal">{String(value)}</span>;
}
