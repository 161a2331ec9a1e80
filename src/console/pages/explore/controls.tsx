import { useId } from 'react';
import { SelectField, TextField } from '../../parts/field.tsx';
import { toLocalText } from '../../parts/format.ts';
import { TypeList } from '../../parts/type-list.tsx';
import { setSearch } from '../../router/router.ts';
import {
  addsUp,
  CHARTS,
  FIELDS,
  GRANULARITIES,
  GROUPS,
  MEASURES,
  needsProperty,
  SPANS,
  type Options,
  type Timeframe,
} from './options.ts';

interface ControlsProps {
  readonly options: Options;
  readonly timeframe: Timeframe | null;
}

/** What to count, how finely, and how to show it. */
export function Controls({ options, timeframe }: ControlsProps) {
  return (
    <form className="explore-controls" onSubmit={event => event.preventDefault()}>
      <TimeFields {...{ options, timeframe }} />
      <Choice
        label="Step"
        value={options.every}
        choices={GRANULARITIES}
        onChoose={every => setSearch({ every })}
      />
      <Choice
        label="Group by"
        value={options.group}
        choices={GROUPS}
        onChoose={by => setSearch({ by })}
      />
      <MeasureFields options={options} />
      <TypeField type={options.type} />
      <Choice
        label="Shown as"
        value={options.chart}
        choices={CHARTS}
        refused={addsUp(options.measure) ? null : 'stacked'}
        onChoose={chart => setSearch({ chart })}
      />
    </form>
  );
}

interface ChoiceProps<Name extends string> {
  readonly label: string;
  readonly value: Name;
  readonly choices: Readonly<Record<Name, string>>;
  /** The one that can't be chosen now. */
  readonly refused?: Name | null;
  readonly onChoose: (name: Name) => void;
}

function Choice<Name extends string>(props: ChoiceProps<Name>) {
  const { label, value, choices, refused = null, onChoose } = props;
  return (
    <SelectField
      label={label}
      value={value}
      onChange={event => onChoose(event.target.value as Name)}
    >
      {Object.entries<string>(choices).map(([name, meaning]) => (
        <option key={name} value={name} disabled={name === refused}>
          {meaning}
        </option>
      ))}
    </SelectField>
  );
}

function TimeFields({ options: { span, from, to }, timeframe }: ControlsProps) {
  function choose(next: Options['span']): void {
    const ends =
      next === 'between' && timeframe
        ? { from: toLocalText(timeframe.from), to: toLocalText(timeframe.to) }
        : { from: null, to: null };
    setSearch({ span: next, every: null, ...ends });
  }
  return (
    <>
      <Choice label="Timeframe" value={span} choices={SPANS} onChoose={choose} />
      {span === 'between' && (
        <>
          <TextField
            label="From"
            type="datetime-local"
            value={from}
            onChange={event => setSearch({ from: event.target.value }, { replace: true })}
          />
          <TextField
            label="To"
            type="datetime-local"
            value={to}
            onChange={event => setSearch({ to: event.target.value }, { replace: true })}
          />
        </>
      )}
    </>
  );
}

function MeasureFields({ options }: { options: Options }) {
  const { measure, field, property } = options;
  return (
    <>
      <Choice
        label="Measure"
        value={measure}
        choices={MEASURES}
        onChoose={next => setSearch({ measure: next })}
      />
      {measure === 'unique' && (
        <Choice
          label="Different"
          value={field}
          choices={FIELDS}
          onChoose={next => setSearch({ field: next })}
        />
      )}
      {needsProperty(options) && (
        <SettledField
          label="Property"
          value={property}
          placeholder="order.total"
          onSettle={next => setSearch({ property: next })}
        />
      )}
    </>
  );
}

function TypeField({ type }: { type: string }) {
  const id = useId();
  return (
    <>
      <SettledField
        label="Type"
        value={type}
        placeholder="every type"
        list={id}
        onSettle={next => setSearch({ type: next })}
      />
      <TypeList id={id} />
    </>
  );
}

interface SettledFieldProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  readonly list?: string;
  readonly onSettle: (value: string) => void;
}

/** A field whose value counts once it is left, or after Enter: what is half typed asks nothing. */
function SettledField({ value, onSettle, ...rest }: SettledFieldProps) {
  function settle(given: string): void {
    if (given.trim() !== value) onSettle(given.trim());
  }
  return (
    <TextField
      {...rest}
      key={value}
      defaultValue={value}
      onBlur={event => settle(event.target.value)}
      onKeyDown={event => {
        if (event.key === 'Enter') settle(event.currentTarget.value);
      }}
    />
  );
}
