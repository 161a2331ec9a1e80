interface SparkProps {
  readonly counts: readonly number[];
  readonly label: string;
}

const HEIGHT = 64;
const STEP = 10;
const BAR = 8;

/** Bars without axes: the shape is what matters. */
export function Spark({ counts, label }: SparkProps) {
  const max = Math.max(...counts, 1);
  return (
    <figure className="spark">
      <svg
        viewBox={`0 0 ${counts.length * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        {counts.map((count, at) => {
          const height = count === 0 ? 1 : Math.max((count / max) * HEIGHT, 2);
          const x = at * STEP + (STEP - BAR) / 2;
          return <rect key={at} x={x} y={HEIGHT - height} width={BAR} height={height} />;
        })}
      </svg>
      <figcaption className="faint">
        <span>1 hour ago</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
