/** Sketches of the rows of an answer, merged: no function of Postgres does it. */
import { setImmediate as turn } from 'node:timers/promises';
import type { AggregateRow } from '../core/aggregate-list.ts';
import type { EventMeasure } from '../core/aggregate.ts';
import { operandOf } from '../core/meter.ts';
import { errorOf, makeSketch, type Sketch, type SketchKind } from '../core/sketch.ts';
import type { Answer } from './aggregate-place.ts';

/** Bucket and groups, and what there is of them. */
export type SketchedRow = readonly [
  label: readonly [bucket: number, ...group: (string | boolean | null)[]],
  items: readonly SketchedItem[],
];

/** Of an operand: either a sketch, or a code or bin and how often it came. */
type SketchedItem = readonly [
  operand: number,
  sketch: string | null,
  item: number | null,
  times: number | null,
];

interface Sketched {
  readonly measures: readonly EventMeasure[];
  /** Numbers of operands by the place of the measure; null for measures that are exact. */
  readonly sketched: readonly (number | null)[];
  readonly found: readonly SketchedRow[];
}

/** Merged at a time, before others get a turn. */
const AT_ONCE = 200;

export async function withSketches(
  answer: Answer,
  { measures, sketched, found }: Sketched,
): Promise<Answer & { readonly relativeErrors: readonly (number | null)[] }> {
  const kinds = measures.map((measure, at) => (sketched[at] === null ? null : kindOf(measure)));
  const relativeErrors = kinds.map(kind => (kind === null ? null : errorOf(kind)));
  if (kinds.every(kind => kind === null)) return { ...answer, relativeErrors };
  const merged = await mergeAll(found, new Map(sketched.map((number, at) => [number, kinds[at]])));
  const rows = answer.rows.map(row => ({
    ...row,
    measures: measures.map(({ function: name }, at) => {
      const kind = kinds[at] ?? null;
      if (kind === null) return row.measures[at] ?? null;
      const sketch = merged.get(keyOf(labelOf(row, found), sketched[at] ?? 0));
      return (sketch ?? makeSketch(kind)).answer(name);
    }),
  }));
  return { ...answer, rows, relativeErrors };
}

function kindOf(measure: EventMeasure): SketchKind | null {
  const kind = operandOf(measure)?.kind ?? null;
  return kind === 'NUMBERS' ? null : kind;
}

async function mergeAll(
  found: readonly SketchedRow[],
  kinds: ReadonlyMap<number | null, SketchKind | null | undefined>,
): Promise<Map<string, Sketch>> {
  const merged = new Map<string, Sketch>();
  const all = found.flatMap(([label, items]) => items.map(item => ({ label, item })));
  for (const [index, { label, item }] of all.entries()) {
    const kind = kinds.get(item[0]);
    if (kind != null) mergeItem(merged, label, item, kind);
    if (index % AT_ONCE === AT_ONCE - 1) await turn();
  }
  return merged;
}

function mergeItem(
  merged: Map<string, Sketch>,
  label: Label,
  [operand, bytes, item, times]: SketchedItem,
  kind: SketchKind,
): void {
  const key = keyOf(label, operand);
  const sketch = merged.get(key) ?? makeSketch(kind);
  merged.set(key, sketch);
  if (bytes !== null) sketch.mergeBytes(Buffer.from(bytes, 'base64'));
  if (item !== null) sketch.add(item, times ?? 1);
}

type Label = readonly (number | string | boolean | null)[];

function keyOf(label: Label, operand: number): string {
  return JSON.stringify([...label, operand]);
}

/** As the statement makes it: rows of one answer all have the mark of others, or none has. */
function labelOf({ bucket, group, isOther = false }: AggregateRow, found: readonly SketchedRow[]) {
  const hasMark = (found[0]?.[0].length ?? 0) > group.length + 1;
  return [bucket + 1, ...group, ...(hasMark ? [isOther] : [])];
}
