/** From where on a version of a definition's schema held. */
export interface SchemaPlace {
  readonly version: number;
  /** Events after this position, up to the next version, were recorded under it. */
  readonly afterPosition: number;
}

/**
 * The version under which the event at a position was recorded. Positions are dense, and a schema
 * changes under the lock that gives them: so the place alone tells it. Null: it was not kept.
 * @param places in the order of versions
 */
export function versionAt(places: readonly SchemaPlace[], position: number): number | null {
  return places.findLast(({ afterPosition }) => afterPosition < position)?.version ?? null;
}
