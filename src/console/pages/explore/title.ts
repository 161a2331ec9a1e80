import { FIELDS, MEASURES, needsProperty, type Options } from './options.ts';

/** What is counted, in words. */
export function titleOf(options: Options): string {
  const { measure, field, property, filters } = options;
  const types = filters.chosen.type;
  const of = types.length === 0 ? '' : ` of ${types.join(', ')}`;
  if (measure === 'count') return `Events${of}`;
  const what = needsProperty(options) ? property : FIELDS[field].toLowerCase();
  if (measure === 'unique') return `Different ${what}${of}`;
  return `${MEASURES[measure]} of ${what}${of && `, ${types.join(', ')}`}`;
}
