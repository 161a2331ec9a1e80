interface BarsProps {
  readonly counts: readonly number[];
  readonly label: string;
  /** In CSS pixels. */
  readonly height: number;
}

const STEP = 10;
const BAR = 8;

/** Bars without axes: the shape is what matters. */
export function Bars({ counts, label, height }: BarsProps) {
  const max = Math.max(...counts, 1);
  return (
    <svg
      className="bars"
      viewBox={`0 0 ${counts.length * STEP} ${height}`}
      height={height}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {counts.map((count, at) => {
        const tall = count === 0 ? 1 : Math.max((count / max) * height, 2);
        const x = at * STEP + (STEP - BAR) / 2;
        return <rect key={at} x={x} y={height - tall} width={BAR} height={tall} />;
      })}
    </svg>
  );
}
