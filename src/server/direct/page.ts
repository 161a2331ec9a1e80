/** A page of events, written by Postgres. */
import { getNamedType, isObjectType } from 'graphql';
import { eventPageAsJson } from '../../graphql/event-pages.ts';
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
  return async (given, context) => {
    const args: EventPageArgs = given;
    const page = await eventPageAsJson(context, args, shape);
    if (page === null) return null;
    const json = write(page);
    // Beneath the bound no count of its texts can be above it; above it the page is cut.
    if (json.length > answerBytesMax) return null;
    context.answer.read(json.length);
    return json;
  };
}
