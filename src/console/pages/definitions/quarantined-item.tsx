import { useWorkspace } from '../../layout/workspace.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { DOORS } from '../../parts/format.ts';
import { Ago } from '../../parts/labels.tsx';
import { Link } from '../../router/link.tsx';
import { definitionPath } from './address.ts';
import type { Problem, QuarantinedEvent } from './documents.ts';
import { HandleButtons } from './quarantine-actions.tsx';
import type { Handling } from './use-handling.ts';

interface ItemProps {
  readonly event: QuarantinedEvent;
  /** What is wrong with it, as of the last try. */
  readonly problems: readonly Problem[];
  /** Whether its type is told: not where all are of one. */
  readonly hasType: boolean;
  readonly isChosen: boolean;
  readonly onChoose: (isChosen: boolean) => void;
  readonly handling: Handling;
}

/** An event as it came, and what is wrong with it. */
export function QuarantinedItem(props: ItemProps) {
  const { event, problems, hasType, isChosen, onChoose, handling } = props;
  const text = JSON.stringify(event.event, null, 2);
  return (
    <li>
      <input
        type="checkbox"
        aria-label={`Choose what came ${event.receivedAt}`}
        checked={isChosen}
        onChange={({ target }) => onChoose(target.checked)}
      />
      <div className="kept">
        <p className="kept-head">
          {hasType && <TypeOf event={event} />}
          <span className="muted">
            <Ago at={event.receivedAt} /> by {DOORS[event.door]}
          </span>
        </p>
        <ul className="problems">
          {problems.map(({ pointer, message, code }) => (
            <li key={`${code} ${pointer} ${message}`}>
              <code>{pointer === '' ? '/' : pointer}</code> {message}
            </li>
          ))}
        </ul>
        <details>
          <summary>As it came</summary>
          <pre tabIndex={0}>{text}</pre>
          <CopyButton text={text} />
        </details>
      </div>
      <div className="actions">
        <HandleButtons ids={[event.id]} {...{ handling }} of="this one" isQuiet />
      </div>
    </li>
  );
}

/** What came may name no type, or something that is none. */
function TypeOf({ event: { event } }: { event: QuarantinedEvent }) {
  const { slug } = useWorkspace();
  const type = event['type'];
  if (typeof type !== 'string' || type === '') return <b>no type</b>;
  return (
    <Link className="kept-type" href={definitionPath(slug, type)}>
      {type}
    </Link>
  );
}
