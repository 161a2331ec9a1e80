const BLOCKS = '▁▂▃▄▅▆▇█';

/** Numbers as a line of blocks: the greatest is full, and nothing at all is a blank. */
export function spark(values: readonly number[]): string {
  const greatest = Math.max(...values, 0);
  return values
    .map(value => {
      if (value <= 0) return ' ';
      return BLOCKS[Math.min(7, Math.ceil((value / greatest) * 8) - 1)];
    })
    .join('');
}
