import { Bars } from '../../parts/bars.tsx';

const HEIGHT = 64;

/** The last hour, minute by minute. */
export function Spark({ counts, label }: { counts: readonly number[]; label: string }) {
  return (
    <figure className="spark">
      <Bars {...{ counts, label }} height={HEIGHT} />
      <figcaption className="faint">
        <span>1 hour ago</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
