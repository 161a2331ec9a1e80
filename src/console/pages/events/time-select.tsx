import { useMemo } from 'react';
import { TextField } from '../../parts/field.tsx';
import { formatDay } from '../../parts/format.ts';
import { setSearch, type SearchChanges } from '../../router/router.ts';
import {
  betweenSearch,
  dayRange,
  fieldText,
  isEmptyRange,
  LIVE,
  rangeOf,
  spanOf,
  SPANS,
} from './range.ts';

const DAYS = 8;
const DAY_NAMES = ['Today', 'Yesterday'];

interface Choice {
  readonly name: string;
  readonly title: string;
  readonly search: SearchChanges;
}

/** Live, a length up to now, one of the last days, or from when to when. */
export function TimeSelect({ search }: { search: URLSearchParams }) {
  const nowMs = Date.now();
  const today = new Date(nowMs).toDateString();
  const days = useMemo(() => daysUpTo(nowMs), [today]);
  const range = rangeOf(search, nowMs);
  const isBetween = search.get('span') === 'between';
  const day = days.find(
    ({ search: { from, to } }) => from === search.get('from') && to === search.get('to'),
  );
  const name = spanOf(search) ?? (range === null && !isBetween ? 'live' : undefined);
  const value = name ?? (isBetween ? undefined : day?.name) ?? 'between';

  function choose(next: string): void {
    if (next === 'live') return setSearch(LIVE);
    if (Object.hasOwn(SPANS, next)) return setSearch({ ...LIVE, span: next });
    const found = days.find(each => each.name === next);
    if (found) return setSearch(found.search);
    const { fromMs, toMs } = range ?? dayRange(0, nowMs);
    const ends = betweenSearch(fromMs ?? dayRange(0, nowMs).fromMs, toMs ?? nowMs);
    setSearch({ ...ends, span: 'between' });
  }

  return (
    <div className="time-select">
      <select aria-label="Time" value={value} onChange={event => choose(event.target.value)}>
        <option value="live">Live</option>
        <optgroup label="Up to now">
          {Object.entries(SPANS).map(([span, { title }]) => (
            <option key={span} value={span}>
              {title}
            </option>
          ))}
        </optgroup>
        <optgroup label="Days">
          {days.map(({ name: each, title }) => (
            <option key={each} value={each}>
              {title}
            </option>
          ))}
        </optgroup>
        <option value="between">From – to</option>
      </select>
      {value === 'between' && <Ends search={search} />}
    </div>
  );
}

function daysUpTo(nowMs: number): Choice[] {
  return Array.from({ length: DAYS }, (_, ago) => {
    const { fromMs, toMs } = dayRange(ago, nowMs);
    const title = formatDay(fromMs);
    const named = DAY_NAMES[ago];
    return {
      name: `day-${ago}`,
      title: named === undefined ? title : `${named}, ${title}`,
      search: betweenSearch(fromMs, toMs),
    };
  });
}

/** Each field counts once it is left, or after Enter: what is half typed asks nothing. */
function Ends({ search }: { search: URLSearchParams }) {
  const { fromMs, toMs } = rangeOf(search, Date.now()) ?? { fromMs: null, toMs: null };
  const isWrong = isEmptyRange({ fromMs, toMs });
  const field = (name: 'from' | 'to', label: string, ms: number | null) => {
    function settle(text: string): void {
      if (text === fieldText(ms)) return;
      const at = new Date(text);
      const given = Number.isNaN(at.getTime()) ? null : at.toISOString();
      setSearch({ [name]: given, span: 'between' }, { replace: true });
    }
    return (
      <TextField
        key={`${name} ${ms}`}
        label={label}
        type="datetime-local"
        step="1"
        defaultValue={fieldText(ms)}
        error={isWrong && name === 'to' ? 'The end must be after the beginning.' : undefined}
        onBlur={event => settle(event.target.value)}
        onKeyDown={event => event.key === 'Enter' && settle(event.currentTarget.value)}
      />
    );
  };
  return (
    <>
      {field('from', 'From', fromMs)}
      {field('to', 'To', toMs)}
    </>
  );
}
