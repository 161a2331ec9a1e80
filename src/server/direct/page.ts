/** A page of events, written by Postgres. */
import { getNamedType, isObjectType } from 'graphql';
import { LIMITS } from '../../core/limits.ts';
import { eventPageAsJson } from '../../graphql/event-pages.ts';
import { holdsField } from '../../read/event-json.ts';
import type { EventPageArgs } from '../../read/events.ts';
import { pageSelectionOf } from './page-shape.ts';
import type { Answer, RootField } from './plan.ts';

export function answerOfPage(
  { node, field, fragments }: RootField,
  answerBytesMax: number,
): Answer | null {
  const type = getNamedType(field.type);
  if (!isObjectType(type) || node.selectionSet === undefined) return null;
  const selection = pageSelectionOf(type, node.selectionSet, fragments);
  if (selection === null) return null;
  const { shape, write } = selection;
  const hasPayloads = shape.lists.some(list => holdsField(list, 'payload'));
  return async (given, context) => {
    const args: EventPageArgs = given;
    const size = args.first ?? args.last ?? LIMITS.pageSizeDefault;
    // What is read counts, also where it is not selected: only graphql-js' way has it to count.
    if (!hasPayloads && size * LIMITS.payloadBytesMax > answerBytesMax) return null;
    const page = await eventPageAsJson(context, args, shape, 2 * answerBytesMax);
    const json = write(page);
    // Beneath the bound no count of its texts can be above it; above it they are to be counted.
    if (json.length > answerBytesMax) return null;
    context.answer.read(json.length);
    return json;
  };
}
