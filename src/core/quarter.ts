/** A quarter of a year in UTC: what one partition of the log holds. */
export interface Quarter {
  /** Such as 2026q4. */
  readonly name: string;
  readonly from: Date;
  /** Not part of it. */
  readonly to: Date;
}

/** The quarter that is `ahead` quarters after the one of an instant. */
export function quarterOf(instant: Date, ahead = 0): Quarter {
  const index = instant.getUTCFullYear() * 4 + Math.floor(instant.getUTCMonth() / 3) + ahead;
  return {
    name: `${Math.floor(index / 4)}q${(index % 4) + 1}`,
    from: startOf(index),
    to: startOf(index + 1),
  };
}

function startOf(index: number): Date {
  return new Date(Date.UTC(Math.floor(index / 4), (index % 4) * 3, 1));
}
